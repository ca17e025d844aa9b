/** What is held against the source of a call that is screened out, and what is held in favour of one that is acknowledged. */
import { expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  app,
  core,
  flow,
  lastTo,
  request,
  respond,
  sdp,
  useCore,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';
import { ScannerWatch } from '../defence/scanner-watch.js';
import { SourceGuard } from '../defence/source-guard.js';
import { systemClock } from '../transaction/clock.js';

useFreshCores();

const common = {
  ...{ clock: systemClock, sourceOf: (address: string) => address, maxSources: 10 },
  ...{ hasCalls: () => false, isKnownPeer: () => false },
};

function newGuard(): SourceGuard {
  return new SourceGuard({
    ...common,
    ...{ answersPerSecond: 100, banAfterRefusals: 5, banMs: 60_000, onBanned: () => undefined },
  });
}

/** Calls different users over TCP, each screened with that status; whether the source is banned, or taken for a scanner. */
function screenedWith(status: number): { readonly isBanned: boolean; readonly isScanner: boolean } {
  const guard = newGuard();
  const scanners = new ScannerWatch({ ...common, agents: [], maxUsersPerMinute: 5 });
  useFlow(new RecordedFlow('tcp'));
  useCore({ screen: () => ({ status }) }, 10, { guard, scanners });
  for (let at = 0; at < 20; at += 1) {
    const invite = request('INVITE', { 'Call-ID': `call-${String(at)}` });
    core.receive({ ...invite, uri: `sip:${String(1000 + at)}@gw` }, flow);
  }
  expect(app.heard).toEqual([]);
  return {
    isBanned: guard.isBanned(flow.remoteAddress),
    isScanner: scanners.isScanner(request('OPTIONS'), flow),
  };
}

it('Who is asked for a password is no scanner, and not banned for it, however many calls begin so at once', () => {
  expect(screenedWith(401)).toEqual({ isBanned: false, isScanner: false });
  expect(flow.responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 401));
});

it('Who is refused is', () => {
  expect(screenedWith(403)).toEqual({ isBanned: true, isScanner: true });
});

it('The ACK of a call speaks for the address that it came from, and no further ACK for any other', () => {
  const guard = newGuard();
  useCore({}, 10, { guard });
  core.receive(request('INVITE', {}, sdp), flow);
  respond(200, {}, sdp);
  const ack = { To: lastTo() };
  const forged = new RecordedFlow('udp', '203.0.113.7');
  core.receive(request('ACK', { ...ack, CSeq: '2 ACK' }), forged);
  core.receive(request('ACK', ack), flow);
  core.receive(request('ACK', ack), forged);
  expect([flow, forged].map(({ remoteAddress }) => guard.hadCall(remoteAddress))).toEqual([true, false]);
});
