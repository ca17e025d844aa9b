/** Candidates for ICE over TCP beside those for UDP. Pure. */
import type { IceCandidate } from '../../../../sdp/attributes.js';

/** Below any of UDP (RFC 6544 §4.2): packets that wait for one another are the last resort. */
const typePreference = 90;
/** That of a passive one among host candidates (RFC 6544 §4.2). */
const directionPreference = 4;

/** One for each address of ours; all are behind the one port. Browsers connect, we never do. */
export const tcpCandidates = (udp: readonly IceCandidate[], port: number): IceCandidate[] =>
  udp.map(({ address, component }, index) => ({
    // Another transport is another foundation (RFC 8445 §5.1.1.3).
    foundation: `t${index + 1}`,
    component,
    transport: 'tcp',
    priority:
      typePreference * 2 ** 24 + (directionPreference * 2 ** 13 + 8191 - index) * 2 ** 8 + (256 - component),
    address,
    port,
    type: 'host',
    extensions: 'tcptype passive',
  }));
