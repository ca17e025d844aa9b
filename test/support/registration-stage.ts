/** One registration with a carrier that a test plays, on a clock that it moves. */
import { ManualClock } from './manual-clock.js';
import type { TrunkOutbound, TrunkTarget } from '../../src/domain/trunks/outbound.js';
import type { TrunkFailure } from '../../src/domain/trunks/trunk-state.js';
import { RegistrarIdentity } from '../../src/doors/sip/registrar-dialogue.js';
import { Registration } from '../../src/doors/sip/registration.js';
import type { TrunkReply, TrunkRequest } from '../../src/doors/sip/trunk-requests.js';

export const second = 1000;
export const settings = {
  ...{ shortestRefreshMs: 20 * second, retryMs: 30 * second, longestRetryMs: 1800 * second },
  ...{ refusedRetryMs: 3600 * second, unregisterMs: 2 * second },
};

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** Empty: our SIP server says it, for nobody did. */
  readonly source?: string;
}
type Answer = Reply | Promise<Reply> | 'silence' | 'broken';
/** What the carrier says to a request; asked for each. */
export type Carrier = (request: TrunkRequest, times: number) => Answer;

export const target = (host: string, priority = 1): TrunkTarget => ({
  ...{ host, port: null, transport: 'udp', priority, weight: 1, tlsServerName: null },
});

export function stage(
  carrier: Carrier,
  changes: Partial<TrunkOutbound> = {},
  isDown?: (host: string) => boolean,
) {
  const clock = new ManualClock();
  const sent: TrunkRequest[] = [];
  const failures: TrunkFailure[] = [];
  const sources: (string | null)[] = [];
  const broken: unknown[] = [];
  const faults = { isSourceBroken: false };
  let registered = 0;
  const registration = new Registration({
    identity: new RegistrarIdentity(),
    outbound: {
      ...{ targets: [target('sip.example.com')], fromDomain: null },
      digest: { username: 'us', password: 'right', realm: null },
      registration: { user: '+4930', expiresSeconds: 600, contactUser: 'lb1' },
      ...changes,
    },
    send(request) {
      sent.push(request);
      const answer = carrier(request, sent.length);
      if (answer === 'broken') return Promise.reject(new Error('not connected'));
      if (answer === 'silence') return new Promise<TrunkReply>(() => undefined);
      return Promise.resolve(answer).then(({ status, headers = {}, source = '192.0.2.1' }) => ({
        ...{ status, source, get: (name: string) => headers[name] },
      }));
    },
    ...{ clock, random: () => 0.5, settings },
    isDown: ({ host }) => isDown?.(host) ?? false,
    onSource(address) {
      sources.push(address);
      if (faults.isSourceBroken) throw new Error('an index');
    },
    onBroken: (error) => broken.push(error),
    onRegistered: () => (registered += 1),
    onFailed: (failure) => failures.push(failure),
  });
  return {
    ...{ clock, sent, failures, sources, registration, broken, faults },
    registered: () => registered,
    async pass(ms: number) {
      clock.advance(ms);
      await settled();
    },
    async begun() {
      registration.begin(0);
      clock.advance(0);
      await settled();
    },
  };
}

/** What has been answered was heard. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

export const granted = (seconds = 600): Reply => ({
  ...{ status: 200, headers: { Contact: `<sip:lb1@192.0.2.9>;expires=${seconds}` } },
});
export const challenge = (nonce: string, more = ''): Reply => ({
  ...{
    status: 401,
    headers: { 'WWW-Authenticate': `Digest realm="r", nonce="${nonce}", qop="auth"${more}` },
  },
});
export const expiresOf = ({ headers }: TrunkRequest) => headers['Expires'];
