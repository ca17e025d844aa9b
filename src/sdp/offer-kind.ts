/** Tells a phone’s offer from a browser’s. */
import { fingerprints, hasAttribute, iceCredentials } from './attributes.js';
import { SdpRefusal } from './sdp-refusal.js';
import { parseSessionDescription } from './session-description.js';

/** Media over DTLS as browsers offer it: RTP (RFC 5764 §8; also under the names of SRTP alone), and data channels (RFC 8841 §4). */
const browserProtocols = /^(?:(?:(?:UDP\/TLS|TCP\/D?TLS)\/)?RTP\/SAVPF?|(?:UDP|TCP)\/DTLS\/SCTP)$/i;
/** From a WebSocket plain RTP with ICE and a fingerprint means the same (RFC 8829 §5.1.2); a phone can mean it as it stands. */
const webProtocols = /^RTP\/AVPF?$/i;

/**
 * Tells by an offer who made it: a section with ICE and DTLS makes it a browser's, everything else is a phone's. So is what
 * cannot be read: who answers as a phone refuses it.
 */
export function kindOfOffer(offer: string, isOverWebSocket = false): 'phone' | 'browser' {
  try {
    const session = parseSessionDescription(offer);
    const isBrowser = session.media.some(
      (section) =>
        (browserProtocols.test(section.protocol) ||
          (isOverWebSocket && webProtocols.test(section.protocol))) &&
        // A key in the description is a phone's way (RFC 4568).
        !hasAttribute(section, 'crypto') &&
        iceCredentials(section, session) !== null &&
        fingerprints(section, session).length > 0,
    );
    return isBrowser ? 'browser' : 'phone';
  } catch (error) {
    if (error instanceof SdpRefusal) return 'phone';
    throw error;
  }
}
