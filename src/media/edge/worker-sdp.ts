/** Between FreeSWITCH's second channel and the media worker: one section of G.711 and telephone events, written here. */
import { isIPv6 } from 'node:net';
import { attribute, type Direction } from '../../sdp/attributes.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type Attribute,
} from '../../sdp/session-description.js';
import type { Identity, MediaAddress } from './carrier-sdp.js';
import type { EdgeCodecName } from './edge-codecs.js';

export type G711Law = 'PCMU' | 'PCMA';

/** What needs no transcoding where there is a choice. */
export const lawBeside = (codec: EdgeCodecName): G711Law => (codec === 'PCMA' ? 'PCMA' : 'PCMU');

const eventPayloadType = 101;

/** One end as the other gets to know it. */
export function formatInnerEnd(
  { address, port }: MediaAddress,
  law: G711Law,
  identity: Identity,
  direction: Direction = 'sendrecv',
): string {
  const addressType = isIPv6(address) ? 'IP6' : 'IP4';
  const payloadType = law === 'PCMU' ? 0 : 8;
  const attributes: Attribute[] = [
    attribute('rtpmap', `${payloadType} ${law}/8000`),
    attribute('rtpmap', `${eventPayloadType} telephone-event/8000`),
    attribute('fmtp', `${eventPayloadType} 0-15`),
    attribute('ptime', 20),
    attribute(direction),
  ];
  return formatSessionDescription({
    origin: {
      username: '-',
      sessionId: identity.sessionId,
      sessionVersion: String(identity.version),
      addressType,
      address,
    },
    sessionName: '-',
    connection: { addressType, address },
    attributes: [],
    media: [
      {
        kind: 'audio',
        port,
        protocol: 'RTP/AVP',
        formats: [String(payloadType), String(eventPayloadType)],
        bandwidth: [],
        attributes,
      },
    ],
  });
}

/** Where the worker's leg listens, out of its own offer. */
export function readInnerAddress(description: string): MediaAddress {
  const session = parseSessionDescription(description);
  const [media] = session.media;
  const connection = media?.connection ?? session.connection;
  if (media === undefined || connection === undefined)
    throw new Error('the media worker’s description has no audio');
  return { address: connection.address, port: media.port };
}
