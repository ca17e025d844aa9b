/** Calls the gateway as a phone would: a session of its own, a token, an INVITE, and a second of sound. */
import { CallNotAnswered, placeCall } from '../softphone/phone-call.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { ask, type LocalGateway } from './local-http.js';

export interface SelfCall {
  readonly gateway: LocalGateway;
  readonly accountId: string;
  readonly authorization: string;
  /** Each is called once: at the address on this machine, and at the one that others are told. */
  readonly targets: readonly { readonly uri: string; readonly isPublic: boolean }[];
}

const listenMs = 1000;
const answerMs = 5000;
/** Of fifty a second. */
const enoughPackets = 40;

/** A participant for each call: the end of one may be on its way when the next is made. */
export async function callOneself(call: SelfCall): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const target of call.targets) findings.push(await callAsNewcomer(call, target));
  return findings;
}

async function callAsNewcomer(
  { gateway, accountId, authorization }: SelfCall,
  target: SelfCall['targets'][number],
): Promise<Finding> {
  const path = `/v1/accounts/${encodeURIComponent(accountId)}/participants`;
  const body = { publishPermissions: ['AUDIO'], tag: 'doctor' };
  const made = await ask(gateway, 'POST', path, { authorization, body });
  const { participant: { id } = {}, token } = (made.body ?? {}) as {
    readonly participant?: { readonly id?: string };
    readonly token?: string;
  };
  if (id === undefined || token === undefined)
    return fail(
      'call to itself',
      made.status === 401
        ? 'the gateway that runs has another user name or password than this configuration: check the password'
        : `no participant was made for it: REST answered ${made.status}`,
    );
  try {
    return await callOnce(target, token);
  } finally {
    await ask(gateway, 'DELETE', `${path}/${id}`, { authorization });
  }
}

async function callOnce({ uri, isPublic }: SelfCall['targets'][number], token: string): Promise<Finding> {
  const what = isPublic ? 'call from outside' : 'call to itself';
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
      return packetsReceived < enoughPackets ? bad(what, `${words}${excuse}`) : ok(what, words);
    } finally {
      await call.close();
    }
  } catch (error) {
    const why =
      error instanceof CallNotAnswered
        ? given.signal.aborted
          ? 'no answer in five seconds'
          : error.message
        : error instanceof Error
          ? error.message
          : String(error);
    return bad(what, `${uri}: ${why}${excuse}`);
  } finally {
    clearTimeout(timer);
  }
}
