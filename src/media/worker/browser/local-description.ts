/** Our own session description, offer or answer, written from the table of sections and the transport. */
import { aliasLabel } from '../../../sdp/alias-label.js';
import {
  attribute,
  directionOf,
  fingerprintAttribute,
  formatAttributes,
  groupAttribute,
  headerExtensionAttribute,
  iceCandidateAttribute,
  msidAttribute,
  rtcpFeedbackAttribute,
  ssrcAttribute,
  telephoneEventFormat,
  type Direction,
  type Fingerprint,
  type IceCandidate,
  type IceCredentials,
  type Setup,
} from '../../../sdp/attributes.js';
import { addressTypeOf } from '../../../sdp/media-address.js';
import type { Attribute, MediaDescription, SessionDescription } from '../../../sdp/session-description.js';
import type { NegotiatedCodec } from './browser-codecs.js';
import { transportSequenceExtension } from './transport-feedback.js';
import type { BrowserSections, OutgoingMedia, Section } from './browser-sections.js';

export const midExtension = 'urn:ietf:params:rtp-hdrext:sdes:mid';

/** Our end of the one transport under all sections. */
export interface LocalTransportParameters {
  readonly credentials: IceCredentials;
  readonly fingerprint: Fingerprint;
  readonly setup: Setup;
  readonly candidates: readonly IceCandidate[];
}

/** What the transport's SCTP association has (RFC 8841 §5, §6). */
const sctpPort = 5000;
const maxMessageOctets = 262_144;

const sectionDirection = (section: Section): Direction =>
  directionOf(section.outgoing?.active === true, section.incoming !== null || section.remoteMaySend);

/** The description of a state: of our offer with `setup:actpass` in the transport, of our answer with the role taken. */
export function describe(state: BrowserSections, transport: LocalTransportParameters): SessionDescription {
  const bundled = state.sections.flatMap((s) => (s.rejected || s.mid === null ? [] : [s.mid]));
  const tagged = state.sections.findIndex((s) => !s.rejected);
  return {
    origin: {
      username: '-',
      sessionId: state.sessionId,
      sessionVersion: String(state.version),
      addressType: 'IP4',
      address: '127.0.0.1', // RFC 8829 §5.2.1: any address that tells nothing
    },
    sessionName: '-',
    attributes: [
      ...(bundled.length > 0 ? [groupAttribute({ semantics: 'BUNDLE', mids: bundled })] : []),
      attribute('msid-semantic', 'WMS *'),
    ],
    media: state.sections.map((section, index) =>
      section.rejected ? describeRejected(section) : describeSection(section, transport, index === tagged),
    ),
  };
}

const describeRejected = (section: Section): MediaDescription => ({
  kind: section.kind,
  port: 0,
  protocol: section.protocol,
  formats: section.formats,
  connection: { addressType: 'IP4', address: '0.0.0.0' },
  bandwidth: [],
  attributes: [...(section.mid === null ? [] : [attribute('mid', section.mid)]), attribute('inactive')],
});

function describeSection(
  section: Section,
  transport: LocalTransportParameters,
  tagged: boolean,
): MediaDescription {
  const { outgoing } = section;
  const sending = outgoing !== null && outgoing.active;
  const candidate = transport.candidates[0];
  return {
    kind: section.kind,
    port: candidate?.port ?? 9,
    protocol: section.protocol,
    formats: section.kind === 'application' ? section.formats : formatsOf(section).map(String),
    connection:
      candidate === undefined
        ? { addressType: 'IP4', address: '0.0.0.0' }
        : { addressType: addressTypeOf(candidate.address), address: candidate.address },
    bandwidth: [],
    attributes: [
      ...(section.mid === null ? [] : [attribute('mid', section.mid)]),
      ...(section.kind === 'application' ? [] : [attribute(sectionDirection(section))]),
      ...(sending
        ? [
            msidAttribute({
              streamId: outgoing.streamId,
              trackId: `${outgoing.streamId}-${section.kind === 'video' ? 'v' : 'a'}`,
            }),
            aliasLabel(outgoing.alias),
            ...sourceGroups(section, outgoing),
            // One clock per stream: its audio and video share the name (RFC 7022 §4.2), and no other stream does.
            ...sentSsrcs(section, outgoing).map((ssrc) =>
              ssrcAttribute({ ssrc, name: 'cname', value: outgoing.streamId }),
            ),
          ]
        : []),
      attribute('ice-ufrag', transport.credentials.usernameFragment),
      attribute('ice-pwd', transport.credentials.password),
      fingerprintAttribute(transport.fingerprint),
      attribute('setup', transport.setup),
      ...(section.kind === 'application'
        ? [attribute('sctp-port', sctpPort), attribute('max-message-size', maxMessageOctets)]
        : [attribute('rtcp-mux')]),
      ...(section.reducedSizeRtcp ? [attribute('rtcp-rsize')] : []),
      ...[
        { id: section.midExtensionId, direction: null, uri: midExtension },
        { id: section.transportSequenceId, direction: null, uri: transportSequenceExtension },
      ].flatMap((extension) => (extension.id > 0 ? [headerExtensionAttribute(extension)] : [])),
      ...section.codecs.flatMap(describeCodec),
      ...section.telephoneEvents.flatMap(({ payloadType, clockRateHz }) =>
        formatAttributes(telephoneEventFormat(payloadType, clockRateHz)),
      ),
      // RFC 9143 §7.1.3: candidates stand in the section that gives the bundle its transport.
      ...(tagged ? [...transport.candidates.map(iceCandidateAttribute), attribute('end-of-candidates')] : []),
    ],
  };
}

/** Codecs and what they are sent again under, each behind the other as browsers have them. */
const formatsOf = ({ codecs, telephoneEvents }: Section): number[] => [
  ...codecs.flatMap(({ payloadType, rtxPayloadType }) =>
    rtxPayloadType === null ? [payloadType] : [payloadType, rtxPayloadType],
  ),
  ...telephoneEvents.map(({ payloadType }) => payloadType),
];

function sentSsrcs({ codecs }: Section, { ssrc, rtxSsrc }: OutgoingMedia): number[] {
  const retransmits = rtxSsrc !== null && codecs.some(({ rtxPayloadType }) => rtxPayloadType !== null);
  return retransmits ? [ssrc, rtxSsrc] : [ssrc];
}

/** RFC 5576 §4.2, RFC 4588 §8.8. */
function sourceGroups(section: Section, outgoing: OutgoingMedia): Attribute[] {
  const sent = sentSsrcs(section, outgoing);
  return sent.length > 1 ? [attribute('ssrc-group', `FID ${sent.join(' ')}`)] : [];
}

const describeCodec = ({ payloadType, codec, feedback, rtxPayloadType }: NegotiatedCodec): Attribute[] => [
  ...formatAttributes({
    payloadType,
    encodingName: codec.name,
    clockRateHz: codec.clockRateHz,
    channels: codec.channels,
    parameters: codec.parameters ?? '',
  }),
  ...feedback.map((name) => {
    const [type = '', parameter = ''] = name.split(' ');
    return rtcpFeedbackAttribute({ payloadType, type, parameter });
  }),
  ...(rtxPayloadType === null
    ? []
    : formatAttributes({
        payloadType: rtxPayloadType,
        encodingName: 'rtx',
        clockRateHz: codec.clockRateHz,
        channels: 1,
        parameters: `apt=${payloadType}`,
      })),
];
