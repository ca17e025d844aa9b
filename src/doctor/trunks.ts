/** Looks at the trunks of the gateway that runs: whether it is registered where it is to be, and whether their servers answer. */
import type { AccountCredentials } from '../config/credentials.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { ask, type LocalGateway } from './local-http.js';

const what = 'trunks';
/** More that are not well are only counted. */
const maxNamed = 20;
/** What is read of one account's trunks; a page has up to 1,000. */
const maxPages = 10;

/** As much of a trunk as is looked at. */
interface SeenTrunk {
  readonly id: string;
  readonly name?: string;
  readonly enabled: boolean;
  readonly outbound: object | null;
  readonly state: {
    readonly registration: {
      readonly status: string;
      readonly failure: { readonly code: string; readonly sipStatus: number | null } | null;
    } | null;
    readonly targets: readonly { readonly target: string; readonly status: string }[];
  } | null;
}

/** Those of every account whose password is known here. Never rejects. */
export async function lookAtTrunks(
  gateway: LocalGateway,
  accounts: readonly AccountCredentials[],
): Promise<Finding[]> {
  const looked = await Promise.all(accounts.map((account) => ofAccount(gateway, account)));
  const [all, ill] = [looked.flatMap(({ summary }) => summary), looked.flatMap((one) => one.ill)];
  const more = ill.length - maxNamed;
  return [
    ...all,
    ...ill.slice(0, maxNamed),
    ...(more > 0 ? [warn(what, `${more} more are not as they should be`)] : []),
  ];
}

interface Looked {
  readonly summary: readonly Finding[];
  readonly ill: readonly Finding[];
}

async function ofAccount(gateway: LocalGateway, account: AccountCredentials): Promise<Looked> {
  const { accountId } = account;
  const trunks = await trunksOf(gateway, account);
  if (trunks === null) return { summary: [warn(what, `${accountId}: they cannot be looked at`)], ill: [] };
  if (trunks.length === 0) return { summary: [], ill: [] };
  const on = trunks.filter(({ enabled }) => enabled);
  const registered = on.filter(({ state }) => state?.registration?.status === 'registered').length;
  const wanted = on.filter(({ state }) => (state?.registration ?? null) !== null).length;
  const words = `${accountId}: ${trunks.length}, of which ${on.length} are on`;
  const summary = ok(what, wanted === 0 ? words : `${words}; registered with ${registered} of ${wanted}`);
  return { summary: [summary], ill: on.flatMap(illness) };
}

function illness({ id, name = id, state }: SeenTrunk): Finding[] {
  const { registration = null, targets = [] } = state ?? {};
  return [...(registration === null ? [] : ofRegistration(name, registration)), ...ofTargets(name, targets)];
}

function ofRegistration(
  name: string,
  { status, failure }: NonNullable<NonNullable<SeenTrunk['state']>['registration']>,
): Finding[] {
  // On its way, or given back while no calls are taken.
  if (status !== 'failed' && status !== 'refused') return [];
  const sipStatus = failure?.sipStatus ?? null;
  const why = failure === null ? status : `${failure.code}${sipStatus === null ? '' : ` (${sipStatus})`}`;
  return [fail(what, `${name}: not registered: ${why}; calls do not come`)];
}

function ofTargets(name: string, targets: NonNullable<SeenTrunk['state']>['targets']): Finding[] {
  const down = targets.filter(({ status }) => status === 'down').map(({ target }) => target);
  if (down.length === 0) return [];
  return down.length === targets.length
    ? [fail(what, `${name}: none of its servers answers: ${down.join(', ')}`)]
    : [warn(what, `${name}: ${down.join(', ')} does not answer, others do`)];
}

/** Null where they cannot be had: another password, or no answer. */
async function trunksOf(
  gateway: LocalGateway,
  { accountId, username, password }: AccountCredentials,
): Promise<readonly SeenTrunk[] | null> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const found: SeenTrunk[] = [];
  let after = '';
  for (let page = 0; page < maxPages; page += 1) {
    const path = `/v1/accounts/${encodeURIComponent(accountId)}/trunks?limit=1000${after}`;
    const answer = await ask(gateway, 'GET', path, { authorization }).catch(() => null);
    const { trunks, next = null } = (answer?.body ?? {}) as {
      readonly trunks?: unknown;
      readonly next?: string | null;
    };
    if (answer?.status !== 200 || !Array.isArray(trunks)) return null;
    found.push(...(trunks as readonly SeenTrunk[]));
    if (next === null) break;
    after = `&after=${encodeURIComponent(next)}`;
  }
  return found;
}
