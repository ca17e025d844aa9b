/** Calls the gateway as a phone would: a session of its own, a token, an INVITE, and a second of sound. */
import { CallNotAnswered, placeCall } from '../softphone/phone-call.js';
import { fail, ok, warn, whyOf, type Finding } from './finding.js';
import { ask, type LocalAnswer, type LocalGateway } from './local-http.js';

export interface SelfCall {
  readonly gateway: LocalGateway;
  readonly accountId: string;
  readonly authorization: string;
  /** Each is called once: at the address on this machine, and at the one that others are told. */
  readonly targets: readonly { readonly uri: string; readonly isPublic: boolean }[];
}

const listenMs = 1000;
const answerMs = 5000;
/** Packets in a second by which a call counts as heard; fifty are sent. */
const enoughPackets = 40;

const what = 'call to itself';

/** A participant for each call: the end of one may be on its way when the next is made. Never rejects. */
export async function callOneself(call: SelfCall): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const target of call.targets) findings.push(...(await callAsNewcomer(call, target)));
  return findings;
}

async function callAsNewcomer(
  { gateway, accountId, authorization }: SelfCall,
  target: SelfCall['targets'][number],
): Promise<Finding[]> {
  const path = `/v1/accounts/${encodeURIComponent(accountId)}/participants`;
  const body = { publishPermissions: ['AUDIO'], tag: 'doctor' };
  const said = (why: unknown): string => `REST did not answer: ${whyOf(why)}`;
  const made = await ask(gateway, 'POST', path, { authorization, body }).catch(said);
  if (typeof made === 'string') return [fail(what, `no participant was made for it: ${made}`)];
  const newcomer = newcomerIn(made);
  if (newcomer === null)
    return [
      fail(
        what,
        made.status === 401
          ? 'the gateway that runs has another user name or password than this configuration: check the password'
          : `no participant was made for it: REST answered ${made.status}`,
      ),
    ];
  const { id, token } = newcomer;
  const finding = await callOnce(target, token);
  const removed = await ask(gateway, 'DELETE', `${path}/${encodeURIComponent(id)}`, { authorization }).catch(
    said,
  );
  const problem =
    typeof removed === 'string' ? removed : removed.status >= 400 ? `REST answered ${removed.status}` : null;
  return problem === null
    ? [finding]
    : [finding, warn(what, `its participant ${id} could not be removed: ${problem}`)];
}

/** Null where the answer holds no participant. */
function newcomerIn({ body }: LocalAnswer): { readonly id: string; readonly token: string } | null {
  const { participant, token } = (body ?? {}) as {
    readonly participant?: { readonly id?: unknown } | null;
    readonly token?: unknown;
  };
  const id = participant?.id;
  return typeof id === 'string' && typeof token === 'string' ? { id, token } : null;
}

async function callOnce({ uri, isPublic }: SelfCall['targets'][number], token: string): Promise<Finding> {
  const kind = isPublic ? 'call from outside' : what;
  // A router that does not turn calls around (hairpin NAT) lets those of others through all the same.
  const bad = isPublic ? warn : fail;
  const excuse = isPublic ? '; a router that does not let this machine call itself may be why' : '';
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(), answerMs);
  try {
    const call = await placeCall({
      uri,
      token,
      source: { kind: 'silence' },
      verifyServer: false,
      signal: given.signal,
      lingerMs: 500,
    });
    try {
      const { afterMs } = await call.answered;
      clearTimeout(timer);
      await new Promise((resolve) => setTimeout(resolve, listenMs));
      const { packetsReceived } = call.statistics;
      await call.hangUp();
      const words = `${uri} answered in ${Math.round(afterMs)} ms, ${packetsReceived} packets of sound in a second`;
      return packetsReceived < enoughPackets ? bad(kind, `${words}${excuse}`) : ok(kind, words);
    } finally {
      await call.close();
    }
  } catch (error) {
    const isLate = error instanceof CallNotAnswered && given.signal.aborted;
    const why = isLate ? 'no answer in five seconds' : whyOf(error);
    return bad(kind, `${uri}: ${why}${excuse}`);
  } finally {
    clearTimeout(timer);
  }
}
