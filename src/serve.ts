/** The process around the gateway: configuration, the words at the start, signals, exit codes. */
import { writeFileSync } from 'node:fs';
import { markShown } from './config/credentials.js';
import { ConfigError, loadConfig } from './config/load-config.js';
import { readEnvironmentOnce } from './doors/sip/srf.js';
import { DomainError } from './domain/domain-error.js';
import { formatHostPort } from './domain/host-port.js';
import { startGateway, type Gateway } from './gateway.js';
import { logConsole } from './observability/library-output.js';
import { createLogger } from './observability/logger.js';
import { DataDirectoryInUse } from './store/data-directory-lock.js';
import { DataDirectoryUnusable } from './store/file-faults.js';
import { DataDirectoryOpen } from './store/private-data-directory.js';
import { CertificateProblem } from './tls/certificate.js';

export interface ServeOptions {
  readonly configFile: string | undefined;
  readonly version: string;
}

/** The same signal again within this is the same wish: a terminal sends Ctrl-C to npm and to us, and npm passes it on. */
const echoMs = 500;
/** What is open after the end has so long to leave, such as the last octets of a connection. */
const lingerMs = 1000;

/** Runs until a signal; resolves with the exit code. */
export async function runServe({ configFile, version }: ServeOptions): Promise<number> {
  let signals: StopSignals;
  let gateway: Gateway;
  let drainMs: number;
  try {
    const config = loadConfig({
      environment: process.env,
      workingDirectory: process.cwd(),
      configFile,
    });
    readEnvironmentOnce();
    // Not before: a file that is a pipe is waited for, and nothing of ours could answer a signal meanwhile.
    signals = new StopSignals();
    drainMs = config.drainSeconds * 1000;
    const logger = createLogger({
      level: config.logLevel,
      headers: config.tokenHeaders,
      // Generated ones are not known yet; those are caught by the form they have.
      secrets: [
        ...[config.password, config.tokenSecret, config.previousTokenSecret],
        ...[...(config.drachtio ?? []), ...(config.freeswitch ?? [])].map(({ secret }) => secret),
      ].filter((secret) => secret !== undefined),
    });
    logConsole(logger);
    gateway = await startGateway({ config, logger, version });
    printCredentials(gateway);
    logger.info(
      {
        httpHost: gateway.http.host,
        ...(gateway.http.isTls && { https: true }),
        httpPort: gateway.http.port,
        sipHost: gateway.sip.host,
        sipPort: gateway.sip.port,
        ...(gateway.sip.tlsPort !== null && { sipTlsPort: gateway.sip.tlsPort }),
        ...(gateway.sip.others.length > 0 && { sipOthers: gateway.sip.others }),
        startMs: Math.round(performance.now()),
      },
      'ready',
    );
  } catch (error) {
    const message = startProblem(error);
    if (message === null) throw error;
    complain(message);
    return 1;
  }
  // The first signal drains; a second one does not wait.
  await signals.first;
  signals.onAgain = () => void gateway.close();
  // Timers do not keep the process alive, and near the end there may be nothing else that does.
  const stayAlive = setInterval(() => undefined, 1000);
  await gateway.drain(drainMs);
  clearInterval(stayAlive);
  // What could not be closed must not keep it alive, either.
  setTimeout(() => process.exit(0), lingerMs).unref();
  return 0;
}

/** Listens before anything is opened, so that a signal during the start is not the system's to answer. */
class StopSignals {
  readonly first: Promise<void>;
  /** Called for every further signal. */
  onAgain: () => void = () => undefined;

  constructor() {
    let isFirst = true;
    this.first = new Promise((resolve) => {
      // SIGHUP: the terminal was closed. Node takes it from `nohup`, too, so callers would lose us without a BYE.
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        let lastAt = -Infinity;
        process.on(signal, () => {
          const isEcho = performance.now() - lastAt < echoMs;
          lastAt = performance.now();
          if (isEcho) return;
          if (isFirst) resolve();
          else this.onAgain();
          isFirst = false;
        });
      }
    });
  }
}

/** Printed once, by the first start that comes to its end; they stay in the data directory. Not through the logger: it redacts, and logs are kept. */
function printCredentials(gateway: Gateway): void {
  const { unshownFile, accounts } = gateway.credentials;
  const [first] = accounts;
  if (unshownFile === null || first === undefined) return;
  const { host, port, isTls } = gateway.http;
  const text =
    `\n  Landbridge made credentials, kept in ${unshownFile}. They are shown this once:\n\n` +
    `    account   ${first.accountId}\n    user      ${first.username}\n    password  ${first.password}\n\n` +
    `  Console: ${isTls ? 'https' : 'http'}://${formatHostPort({ host, port })}/\n\n`;
  try {
    writeFileSync(1, text);
    markShown(unshownFile);
  } catch (error) {
    // Nobody may read there: a pipe that is closed or full, a log's disk without room. The gateway stands all the same.
    const why = error instanceof Error ? error.message : String(error);
    complain(`The credentials that were made are in ${unshownFile}; they could not be shown here (${why}).`);
  }
}

type SystemError = NodeJS.ErrnoException & {
  readonly address?: string;
  readonly port?: number;
  /** The name that was looked up. */
  readonly hostname?: string;
};

/** One line for what an operator can mend; null for what is a fault of ours. */
function startProblem(error: unknown): string | null {
  const isOurs = [
    ...[ConfigError, CertificateProblem],
    ...[DataDirectoryInUse, DataDirectoryOpen, DataDirectoryUnusable],
  ].some((kind) => error instanceof kind);
  if (isOurs) return (error as Error).message;
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error instanceof DomainError && error.code === 'store-unavailable') {
    return 'The database cannot be used; the log says why.';
  }
  const { code, syscall, address, port, hostname } = error as SystemError;
  const where = `${address ?? ''}:${String(port ?? '')}`;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${where} is in use: is another Landbridge running?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${hostname ?? where} is no address, and no name that leads to one.`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine.`;
    case 'EACCES':
      return port === undefined
        ? `Not allowed: ${error.message}`
        : `Port ${where} may not be listened on by this user: take one above 1023, or allow it (CAP_NET_BIND_SERVICE).`;
    default:
      // What the system refuses is not ours to mend, whatever it is.
      return syscall === undefined ? null : `The system refused it: ${error.message}`;
  }
}

function complain(message: string): void {
  try {
    writeFileSync(2, `landbridge: ${message}\n`);
  } catch {
    // Nobody reads there, and there is nowhere else to say it.
  }
}
