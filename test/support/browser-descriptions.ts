/** Session descriptions as a browser makes them, and what ours say. */
import { direction, mid } from '../../src/sdp/attributes.js';
import { formatSessionDescription, parseSessionDescription } from '../../src/sdp/session-description.js';
import type { TrackKind } from '../../src/media/worker/source-track.js';
import {
  newBrowserSections,
  type BrowserSections,
  type WantedTrack,
} from '../../src/media/worker/browser/browser-sections.js';
import {
  describe as describeState,
  type LocalTransportParameters,
} from '../../src/media/worker/browser/local-description.js';

export const transport: LocalTransportParameters = {
  credentials: { usernameFragment: 'abcd', password: 'abcdefghijklmnopqrstuv' },
  fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
  setup: 'active',
  candidates: [
    {
      foundation: '1',
      component: 1,
      transport: 'udp',
      priority: 1,
      address: '192.0.2.1',
      port: 4000,
      type: 'host',
      extensions: '',
    },
  ],
};

export const context = (wanted: readonly WantedTrack[] = [], maxSections = 64) => {
  let ssrc = 1000;
  return { wanted, maxSections, newSsrc: () => ssrc++, dataChannels: false, alternating: null };
};
export const want = (streamId: string, kind: TrackKind = 'audio'): WantedTrack => ({
  streamId,
  alias: `alias of ${streamId}`,
  kind,
});
export const start = (): BrowserSections => newBrowserSections('42');

export const sessionLines = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=ice-ufrag:efgh',
  'a=ice-pwd:zyxwvutsrqponmlkjihgfe',
  'a=fingerprint:sha-256 11:22',
  'a=setup:actpass',
];
export const audioLines = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110',
  'c=IN IP4 0.0.0.0',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=rtpmap:110 telephone-event/48000',
];
export const videoLines = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102',
  'c=IN IP4 0.0.0.0',
  'a=rtcp-mux',
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtcp-fb:96 transport-cc',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f',
];
export const dataLines = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=sctp-port:5000',
];

/** A browser's description of sections given as lines; all bundled that have a mid and a port. */
export function text(...sections: string[][]): string {
  const mids = sections
    .filter(([media]) => !/^m=\w+ 0 /.test(media ?? ''))
    .flatMap((lines) => lines.filter((l) => l.startsWith('a=mid:')).map((l) => l.slice(6)));
  return [
    ...sessionLines,
    ...(mids.length > 0 ? [`a=group:BUNDLE ${mids.join(' ')}`] : []),
    ...sections.flat(),
    '',
  ].join('\r\n');
}
export const parsed = (...sections: string[][]) => parseSessionDescription(text(...sections));
export const section = (base: string[], name: string, dir: string, ...more: string[]): string[] => [
  ...base,
  `a=mid:${name}`,
  `a=${dir}`,
  ...more,
];
/** What went out, read back. */
export const written = (state: BrowserSections) =>
  parseSessionDescription(formatSessionDescription(describeState(state, transport)));

/** A browser's answer that takes everything in our description, or what `change` makes of a section's direction. */
export function answerTo(
  state: BrowserSections,
  directions: Partial<Record<string, string>> = {},
): ReturnType<typeof parseSessionDescription> {
  const offer = written(state);
  return {
    ...offer,
    media: offer.media.map((media) => {
      const name = mid(media) ?? '';
      const asked = direction(media);
      const natural = asked === 'sendonly' ? 'recvonly' : asked === 'recvonly' ? 'sendonly' : asked;
      const chosen = directions[name] ?? natural;
      return {
        ...media,
        port: chosen === 'reject' || media.port === 0 ? 0 : 9,
        attributes: [
          ...media.attributes.filter(
            (a) =>
              !['sendrecv', 'sendonly', 'recvonly', 'inactive', 'msid', 'label', 'ssrc'].includes(a.name),
          ),
          { name: chosen === 'reject' ? 'inactive' : chosen, value: null },
        ],
      };
    }),
  };
}
