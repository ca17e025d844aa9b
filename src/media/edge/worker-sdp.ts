/** Between FreeSWITCH's second channel and the media worker: one section of G.711 and telephone events, written here. */
import { audioAlone, farSideOf, formatAudioDescription, type Identity } from '../../sdp/audio-section.js';
import { attribute, telephoneEventFormat, type Direction } from '../../sdp/attributes.js';
import { codecFormat, type G711Law } from '../../sdp/phone-codecs.js';
import type { MediaAddress } from '../../sdp/media-address.js';
import { parseSessionDescription } from '../../sdp/session-description.js';
import type { EdgeCodecName } from './edge-codecs.js';

/** The law to ask a worker for: that of the phone, where it has one, so that nothing is transcoded. */
export const lawBeside = (codec: EdgeCodecName): G711Law => (codec === 'PCMA' ? 'PCMA' : 'PCMU');

const eventPayloadType = 101;

/** What the two ends have agreed on, as the carrier wants it. */
export interface InnerTerms {
  readonly law: G711Law;
  readonly direction: Direction;
  /** The longest packet that the carrier takes; null: any. */
  readonly maxPtimeMs: number | null;
}

/** One end as the other gets to know it. */
export function formatInnerEnd(at: MediaAddress, terms: InnerTerms, identity: Identity): string {
  const { law, direction, maxPtimeMs } = terms;
  const longest = maxPtimeMs === null ? [] : [attribute('maxptime', maxPtimeMs)];
  return formatAudioDescription({
    identity,
    layout: audioAlone,
    at,
    formats: [codecFormat(law), telephoneEventFormat(eventPayloadType)],
    attributes: [attribute('ptime', 20), ...longest, attribute(direction)],
  });
}

/** Where the worker's leg listens, out of its own offer. */
export function readInnerAddress(description: string): MediaAddress {
  const session = parseSessionDescription(description);
  const [media] = session.media;
  const at = media === undefined ? null : farSideOf(session, media).destination;
  if (at === null) throw new Error('the media worker’s description has no audio');
  return at;
}
