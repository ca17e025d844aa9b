/** Reads the configuration once: defaults < landbridge.yaml < environment. */
import { lstatSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { describeIssue } from '../validation/issue-words.js';
import { readBounded, readFault } from './bounded-file.js';
import { configSchema, type Config } from './config-schema.js';
import { readEnvironment } from './environment.js';
import { noPath } from './no-setting.js';
import { browserSockets } from './browser-sockets.js';
import { areInTheWay, sipPlaces, socketsOf } from './sip-places.js';
import { describeYamlFault } from './yaml-words.js';

/** The configuration cannot be used. Lists everything that is wrong with it, never a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

export interface ConfigSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths are resolved against it. */
  readonly workingDirectory: string;
  /** Must exist. Without it LANDBRIDGE_CONFIG is used, or `landbridge.yaml` in the working directory if there is one. */
  readonly configFile?: string | undefined;
}

type Values = Record<string, unknown>;

/** Throws ConfigError. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const values = readFile(sources, problems);
  const environment = readEnvironment(sources.environment);
  problems.push(...environment.problems);
  /** Which variable gave a setting, so that a problem names what the operator wrote. */
  const names = new Map<string, string>();
  for (const { setting, name, value } of environment.values) {
    names.set(setting.path.join('.'), name);
    assign(values, setting.path, value);
  }
  const parsed = configSchema.safeParse(values);
  if (!parsed.success)
    problems.push(...parsed.error.issues.flatMap((issue) => describeProblem(issue, names)));
  else problems.push(...conflicts(parsed.data));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return withAbsolutePaths(parsed.data, sources.workingDirectory);
}

export type LoadedConfig = Config & { readonly recordings: { readonly directory: string } };

function withAbsolutePaths(config: Config, workingDirectory: string): LoadedConfig {
  const dataDir = resolve(workingDirectory, config.dataDir);
  const { directory } = config.recordings;
  const { holdMusic } = config.sounds;
  const absolute = (path: string): string => resolve(workingDirectory, path);
  const { cert, key, clientCa, serverCa, hosts } = config.tls;
  const { stir } = config;
  return {
    ...config,
    dataDir,
    tls: {
      ...config.tls,
      ...(cert !== undefined && { cert: absolute(cert) }),
      ...(key !== undefined && { key: absolute(key) }),
      ...(clientCa !== undefined && { clientCa: absolute(clientCa) }),
      ...(serverCa !== undefined && { serverCa: absolute(serverCa) }),
      hosts: hosts.map((host) => ({ cert: absolute(host.cert), key: absolute(host.key) })),
    },
    stir: {
      ...stir,
      ...(stir.ca !== undefined && { ca: absolute(stir.ca) }),
      ...(stir.key !== undefined && { key: absolute(stir.key) }),
      ...(stir.revocationCa !== undefined && { revocationCa: absolute(stir.revocationCa) }),
      ...(stir.serverCa !== undefined && { serverCa: absolute(stir.serverCa) }),
    },
    recordings: {
      ...config.recordings,
      directory: directory === undefined ? join(dataDir, 'recordings') : resolve(workingDirectory, directory),
    },
    sounds: {
      ...config.sounds,
      ...(holdMusic !== undefined && { holdMusic: resolve(workingDirectory, holdMusic) }),
    },
  };
}

function readFile(sources: ConfigSources, problems: string[]): Values {
  const asked = sources.configFile ?? (sources.environment['LANDBRIDGE_CONFIG'] || undefined);
  const path = resolve(sources.workingDirectory, asked ?? 'landbridge.yaml');
  if (asked === undefined && isAbsent(path)) return {};
  let text: string;
  try {
    // Nobody means one that merely lies there, and to open it would wait for ever.
    if (asked === undefined && statSync(path).isFIFO()) throw new Error('a pipe');
    text = readBounded(path);
  } catch (error) {
    problems.push(`${path} cannot be read (${readFault(error) ?? 'it is no file'})`);
    return {};
  }
  // prettyErrors would quote the line, and the line may hold a password.
  // A silent parser would pass over a second document, and what it sets.
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  // A tag that nobody resolves (`!vault …`) is a warning to the parser, and would make a secret of what stands behind it.
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    for (const error of faults) {
      const line = text.slice(0, error.pos[0]).split('\n').length;
      problems.push(`${path}, line ${line}: is no valid YAML: ${describeYamlFault(error)}`);
    }
    return {};
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    problems.push(`${path} has an alias (*) that stands for nothing, or too many of them`);
    return {};
  }
  if (value === null || value === undefined) return {};
  if (isGroup(value)) return withoutEmpty(value);
  problems.push(`${path} must be a map of settings`);
  return {};
}

/**
 * A group or a setting without a value, as a line of the example file is once its `#` is taken away, is one that is not there; so is
 * an empty variable.
 */
function withoutEmpty(values: Values): Values {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([key, value]) => [key, isGroup(value) ? withoutEmpty(value) : value]));
}

function isGroup(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** False also for a link that leads nowhere: somebody wants it read. */
function isAbsent(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}

function assign(values: Values, path: readonly string[], value: unknown): void {
  const [key = '', inner] = path;
  if (inner === undefined) {
    values[key] = value;
    return;
  }
  const group = values[key];
  // A group that is not a map stays as it is, and the schema refuses it.
  if (group !== undefined && group !== null && typeof group !== 'object') return;
  values[key] = { ...group, [inner]: value };
}

function describeProblem(issue: z.core.$ZodIssue, names: ReadonlyMap<string, string>): string[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => noPath(path === '' ? key : `${path}.${key}`));
  }
  const setting = names.get(path) ?? names.get(issue.path.slice(0, -1).join('.')) ?? path;
  // As YAML calls it.
  return [`${setting}: ${describeIssue(issue).replace('an object', 'a map')}`];
}

/** Problems of settings that are each allowed, but not together. */
function conflicts(config: Config): string[] {
  const problems: string[] = [];
  const { ports } = config.rtp;
  if (config.sip.port >= ports.from && config.sip.port <= ports.to) {
    problems.push(`sip.port: ${config.sip.port} lies within rtp.ports`);
  }
  // As the media plane shares them out: a phone's leg takes two, of which the first is even, and each worker has two of these.
  const firstPort = ports.from + (ports.from % 2);
  if (ports.to + 1 - firstPort < 4 * config.workers) {
    problems.push(
      `rtp.ports: too few for ${config.workers} media ${config.workers === 1 ? 'worker' : 'workers'} (the setting ` +
        '`workers`), each needs four, counted from an even port',
    );
  }
  if (
    config.freeswitch !== undefined &&
    config.edge.sipPort >= ports.from &&
    config.edge.sipPort <= ports.to
  ) {
    problems.push(`edge.sipPort: ${config.edge.sipPort} lies within rtp.ports`);
  }
  problems.push(...browserConflicts(config), ...listenConflicts(config), ...tlsConflicts(config));
  const { key, certificateUrl } = config.stir;
  if (key !== undefined && certificateUrl === undefined)
    problems.push('stir.certificateUrl: is missing beside stir.key');
  if (key === undefined && certificateUrl !== undefined)
    problems.push('stir.key: is missing beside stir.certificateUrl');
  if (config.drachtio !== undefined && config.sip.listen.length > 0)
    problems.push('sip.listen: phones come through drachtio-server, which listens itself');
  if (config.previousTokenSecret !== undefined && config.previousTokenSecret === config.tokenSecret) {
    problems.push('previousTokenSecret: is the same as tokenSecret');
  }
  if (/^(?:0(?:\.0){0,3}|[0:]*:[0:]*)$/.test(config.edge.sipHost)) {
    problems.push('edge.sipHost: must be one address of this machine, for FreeSWITCH is told it');
  }
  // The login of drachtio-server's admin port has it for a separator: such a secret could never be right.
  if (config.drachtio?.some(({ secret }) => secret.includes('|')) === true) {
    problems.push('drachtio: a secret must not contain |');
  }
  return problems;
}

function browserConflicts(config: Config): string[] {
  const { rtp, browser, workers } = config;
  const { ports, sharedPort, tcpPort } = browser;
  const problems: string[] = [];
  const isWithin = (port: number, { from, to }: { readonly from: number; readonly to: number }): boolean =>
    port >= from && port <= to;
  if (ports !== undefined && sharedPort !== 0)
    problems.push('browser.ports: beside browser.sharedPort no connection has a port of its own');
  if (ports !== undefined && ports.to + 1 - ports.from < workers)
    problems.push(`browser.ports: too few for ${workers} media workers (the setting \`workers\`)`);
  if (ports !== undefined && ports.from <= rtp.ports.to && ports.to >= rtp.ports.from)
    problems.push('browser.ports: overlaps rtp.ports');
  for (const [setting, port] of [
    ['browser.sharedPort', sharedPort],
    ['browser.tcpPort', tcpPort],
  ] as const) {
    if (port + workers - 1 > 65_535)
      problems.push(`${setting}: there are not ${workers} ports from ${port} on`);
  }
  const sipPorts = sipPlaces(config).flatMap(socketsOf);
  const http = { transport: 'tcp', host: config.http.host, port: config.http.port, ipv6Only: false } as const;
  for (const { setting, ...socket } of browserSockets(config)) {
    const { port } = socket;
    const other = { ...socket, ipv6Only: false };
    if (socket.transport === 'udp' && isWithin(port, rtp.ports))
      problems.push(`${setting}: ${port} lies within rtp.ports`);
    if (sipPorts.some((sip) => areInTheWay(sip, other)))
      problems.push(`${setting}: ${port} is a port of SIP`);
    if (areInTheWay(http, other)) problems.push(`${setting}: ${port} is http.port`);
  }
  for (const { port } of sipPorts) {
    if (ports !== undefined && isWithin(port, ports))
      problems.push(`browser.ports: ${port} among them is a port of SIP`);
  }
  return [...new Set(problems)];
}

function listenConflicts(config: Config): string[] {
  const { sip, tls, rtp } = config;
  const problems = sip.listen.flatMap(({ transports, cert, key }, index) => {
    const where = `sip.listen.${index}`;
    const overTls = transports.includes('tls');
    return [
      ...(overTls && tls.cert === undefined ? [`${where}: is to speak TLS, but there is no tls.cert`] : []),
      ...(cert !== undefined && key === undefined ? [`${where}.key: is missing beside its cert`] : []),
      ...(cert === undefined && key !== undefined ? [`${where}.cert: is missing beside its key`] : []),
      ...(cert !== undefined && !overTls
        ? [`${where}.cert: is shown over TLS, which is not among its transports`]
        : []),
    ];
  });
  const [first, ...others] = sipPlaces(config);
  const taken = socketsOf(first);
  for (const place of others) {
    for (const socket of socketsOf(place)) {
      const { host, port } = socket;
      if (port >= rtp.ports.from && port <= rtp.ports.to)
        problems.push(`${place.setting}: ${port} lies within rtp.ports`);
      const other = taken.find((one) => areInTheWay(one, socket));
      if (other !== undefined)
        problems.push(
          `${place.setting}: ${port} at ${host} is listened on ${other.host === host ? 'twice' : `at ${other.host} already`}`,
        );
      taken.push(socket);
    }
  }
  return [...new Set(problems)];
}

function tlsConflicts({ tls, sip, rtp, transfers }: Config): string[] {
  const { cert, key, hosts, showTo, clientCertificates, clientCa } = tls;
  const problems: string[] = [];
  if (cert !== undefined && key === undefined) problems.push('tls.key: is missing beside tls.cert');
  if (cert === undefined && key !== undefined) problems.push('tls.cert: is missing beside tls.key');
  if (cert === undefined && hosts.length > 0)
    problems.push('tls.hosts: needs tls.cert, for clients that name no host');
  if (cert === undefined && showTo.length > 0) problems.push('tls.showTo: needs tls.cert, which is shown');
  if (clientCertificates !== 'off' && clientCa === undefined)
    problems.push(`tls.clientCa: is missing, but clientCertificates is ${clientCertificates}`);
  if (cert === undefined && transfers.sipTransport === 'tls' && transfers.sipAddress === undefined)
    problems.push('transfers.sipTransport: is tls, but there is no tls.cert');
  if (cert === undefined) return problems;
  if (sip.tlsPort !== 0 && sip.tlsPort === sip.port)
    problems.push(`sip.tlsPort: ${sip.tlsPort} is sip.port, too`);
  if (sip.tlsPort >= rtp.ports.from && sip.tlsPort <= rtp.ports.to)
    problems.push(`sip.tlsPort: ${sip.tlsPort} lies within rtp.ports`);
  return problems;
}
