/** G.711 as descriptions name it (RFC 3551 §4.5.14). */
import { isPlainRtp, unsupportedProtocol, type AudioAbility } from './audio-section.js';
import { rtpMaps, type PayloadFormat } from './attributes.js';
import type { MediaDescription } from './session-description.js';

export type G711Law = 'PCMU' | 'PCMA';

export const staticPayloadTypes: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };

export const g711Format = (law: G711Law, payloadType = staticPayloadTypes[law]): PayloadFormat => ({
  payloadType,
  encodingName: law,
  clockRateHz: 8000,
  channels: 1,
  parameters: '',
});

/** A law under the payload type that it has in one section. */
export interface LawUse {
  readonly law: G711Law;
  readonly payloadType: number;
}

/** Those of the laws that a section names, in its own order. */
export const lawsIn = (media: MediaDescription, laws: readonly G711Law[]): LawUse[] =>
  rtpMaps(media).flatMap(({ encodingName, clockRateHz, payloadType, channels }) => {
    const law = laws.find((name) => name === encodingName.toUpperCase());
    return law !== undefined && clockRateHz === 8000 && channels === 1 ? [{ law, payloadType }] : [];
  });

/** Can take any of these laws, over RTP without encryption. */
export const plainG711 = (laws: readonly G711Law[]): AudioAbility<LawUse> => ({
  obstacleIn: (media) => (isPlainRtp(media) ? null : unsupportedProtocol(media)),
  codecsIn: (media) => lawsIn(media, laws),
});
