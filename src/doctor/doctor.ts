/** `landbridge doctor`: what an operator would have to look at by hand, looked at in turn, each with one line. */
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config-schema.js';
import type { AccountCredentials } from '../config/credentials.js';
import { ConfigError, loadConfig } from '../config/load-config.js';
import { sipPlaces, socketsOf, type SipPlace } from '../config/sip-places.js';
import { formatHostPort } from '../sip-server/message/host-port.js';
import { lookAtAccounts, type Accounts } from './accounts.js';
import { lookAtAddresses } from './addresses.js';
import { lookAtCertificates } from './certificates.js';
import { fail, lookAt, ok, warn, whyOf, type Finding } from './finding.js';
import { ask, type LocalGateway } from './local-http.js';
import { lookAtDataDirectory, lookAtFileLimit, lookAtNode, readFileLimit } from './machine.js';
import { lookAtDatabase, lookAtHoldMusic, lookAtRecordings } from './places.js';
import { lookAtPorts } from './ports.js';
import { callOneself } from './self-call.js';
import { lookAtStir } from './stir.js';
import { lookByStun } from './stun.js';
import { lookAtTrunks } from './trunks.js';

export interface DoctorOptions {
  readonly configFile: string | undefined;
  /** Asked in place of the configured one. */
  readonly stunServer?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly print: (line: string) => void;
}

/** Resolves with the exit code: 0 where nothing fails, 1 where something does. Changes nothing but for a call to itself. */
export async function runDoctor({
  configFile,
  stunServer,
  environment,
  workingDirectory,
  print,
}: DoctorOptions): Promise<number> {
  let config: Config;
  try {
    config = loadConfig({ environment, workingDirectory, configFile });
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [whyOf(error)];
    for (const problem of problems) print(line(fail('configuration', problem)));
    return 1;
  }
  const findings: Finding[] = [];
  const tell = (...found: readonly Finding[]): void => {
    findings.push(...found);
    for (const finding of found) print(line(finding));
  };
  tell(ok('configuration', 'can be used'), lookAtNode(process.version), ...lookAtFileLimit(readFileLimit()));
  tell(...(await lookAt('data directory', () => lookAtDataDirectory(config.dataDir))));
  tell(...(await lookAt('addresses', () => lookAtAddresses(config, ownAddresses()))));
  tell(
    ...(await lookAt('STUN', () =>
      lookByStun(config, stunServer ?? config.doctor.stunServer, ownAddresses()),
    )),
  );
  tell(...(await lookAt('certificates', () => lookAtCertificates(config, Date.now()))));
  tell(...(await lookAt('STIR', () => lookAtStir(config, Date.now()))));
  tell(...(await lookAt('recordings', () => lookAtRecordings(config))));
  tell(...(await lookAt('hold music', () => lookAtHoldMusic(config))));
  let accounts: Accounts = { findings: [], first: null, all: [] };
  const lookAtCredentials = (): readonly Finding[] => {
    accounts = lookAtAccounts(config);
    return accounts.findings;
  };
  tell(...(await lookAt('accounts', lookAtCredentials)));
  tell(...(await lookAt('gateway', () => lookAtGateway(config, accounts))));
  const failed = findings.filter(({ level }) => level === 'fail').length;
  const warned = findings.filter(({ level }) => level === 'warn').length;
  print(
    `\n${failed === 0 ? 'Nothing fails' : `${failed} of ${findings.length} fail`}, ${warned === 0 ? 'no warnings' : `${warned} to think about`}.`,
  );
  return failed === 0 ? 0 : 1;
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
}

/** The gateway that runs here; where none does, whether it could. */
async function lookAtGateway(config: Config, { first, all }: Accounts): Promise<Finding[]> {
  const gateway: LocalGateway = {
    isTls: config.tls.cert !== undefined && config.tls.http,
    host: reachable(config.http.host),
    port: config.http.port,
  };
  const health = await ask(gateway, 'GET', '/health').catch(() => null);
  const { version } = (health?.body ?? {}) as { readonly version?: string };
  if (version === undefined)
    return [
      ok('gateway', `none runs at ${formatHostPort(gateway.host, gateway.port)}`),
      ...(await lookAt('database', () => lookAtDatabase(config.dataDir))),
      ...(await lookAtPorts(config)),
    ];
  const ready = await ask(gateway, 'GET', '/ready').catch(() => null);
  return [
    ok('gateway', `runs, version ${version}`),
    ready?.status === 200
      ? ok('ready', 'takes calls')
      : fail('ready', reasonsIn(ready?.body) || 'takes no calls'),
    ...(await lookAt('trunks', () => lookAtTrunks(gateway, all))),
    ...(ready?.status === 200 ? await callGateway(config, gateway, first) : []),
  ];
}

/** Empty where none are given, or in a form that is not ours: something else may be listening there. */
function reasonsIn(body: unknown): string {
  const { reasons } = (body ?? {}) as { readonly reasons?: unknown };
  if (!Array.isArray(reasons)) return '';
  return (reasons as readonly ({ readonly check?: unknown; readonly reason?: unknown } | null)[])
    .flatMap((given) => (given === null ? [] : `${String(given.check)}: ${String(given.reason)}`))
    .join('; ');
}

async function callGateway(
  config: Config,
  gateway: LocalGateway,
  account: AccountCredentials | null,
): Promise<Finding[]> {
  if (account === null) return [warn('call to itself', 'not tried: the password is not known here')];
  // Behind a drachtio-server, phones come to the address of that.
  if (config.drachtio !== undefined) return [];
  return callOneself({
    gateway,
    accountId: account.accountId,
    authorization: `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`,
    targets: sipPlaces(config).flatMap((place) => {
      const told = place.told.media ?? place.told.contact;
      return [
        ...urisOf(place, reachable(place.host)).map((uri) => ({ uri, isPublic: false })),
        ...(told === null ? [] : urisOf(place, told).map((uri) => ({ uri, isPublic: true }))),
      ];
    }),
  });
}

/** In the clear over UDP, which most phones take, and over TLS. */
function urisOf(place: SipPlace, host: string): string[] {
  const hasUdp = place.transports.includes('udp');
  return socketsOf(place).flatMap(({ transport, port }) => {
    // A port that the system chose is known to the gateway alone.
    if (port === 0 || (transport === 'tcp' && hasUdp)) return [];
    const hostPort = formatHostPort(host, port);
    if (transport === 'tls') return [`sips:join@${hostPort}`];
    return [`sip:join@${hostPort}${transport === 'tcp' ? ';transport=tcp' : ''}`];
  });
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;
const width = 18;

function line({ level, what, text }: Finding): string {
  return `${marks[level]}  ${what.padEnd(width)} ${text}`;
}
