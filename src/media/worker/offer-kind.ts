import { fingerprints, iceCredentials } from '../../sdp/attributes.js';
import { parseSessionDescription } from '../../sdp/session-description.js';

/** Media over DTLS as browsers offer it: RTP (RFC 5764 §8), and data channels (RFC 8841 §4). */
const BROWSER_PROTOCOLS = /^(?:(?:UDP|TCP)\/TLS\/RTP\/SAVPF|(?:UDP|TCP)\/DTLS\/SCTP)$/i;

/**
 * Tells by an offer what kind of leg must answer it: a section with ICE and DTLS makes it a browser, everything else
 * is a phone's (which refuses what it cannot do). Throws SdpRefusal `bad-sdp`.
 */
export function kindOfOffer(offer: string): 'phone' | 'browser' {
  const session = parseSessionDescription(offer);
  const isBrowser = session.media.some(
    (section) =>
      BROWSER_PROTOCOLS.test(section.protocol) &&
      iceCredentials(section, session) !== null &&
      fingerprints(section, session).length > 0,
  );
  return isBrowser ? 'browser' : 'phone';
}
