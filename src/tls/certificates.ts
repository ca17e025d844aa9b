/**
 * The certificates that the gateway shows, chosen by the name that a client asks for (RFC 6066 §3), read anew when their files
 * change: a certificate lives for weeks and a call must not end because one was renewed.
 */
import { constants } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type TlsOptions,
} from 'node:tls';
import type { Clock, Timer } from '../domain/clock.js';
import type { Logger } from '../domain/logger.js';
import {
  CertificateProblem,
  matchOf,
  readAuthorities,
  readCertificate,
  type Certificate,
  type CertificateFiles,
} from './certificate.js';
import { fileVersion } from './file-version.js';

export interface CertificatesOptions {
  /** Shown to clients that ask for no name, or for one that no certificate is for. */
  readonly main: CertificateFiles;
  /** For clients that ask for a name in them, or come to a listener that shows one of them (`shownFirst`). */
  readonly others: readonly CertificateFiles[];
  /** PEM file of the CAs that clients' certificates may come from. Absent: clients are asked for none. */
  readonly clientCa?: string;
  readonly minVersion: SecureVersion;
  /** Cipher suites of TLS 1.2, by OpenSSL's names. */
  readonly ciphers: string;
  readonly reloadMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What can be given other certificates while it listens: Node's servers of TLS and of https. */
export interface TlsListener {
  setSecureContext(options: SecureContextOptions): void;
  once(event: 'close', listener: () => void): unknown;
}

/** What a listener shows: a certificate of its own to clients that ask for none, and those for the names that clients ask for. */
export interface ShownCertificates {
  readonly serverOptions: TlsOptions;
  keepFresh(server: TlsListener): void;
}

/** One pair of files, as it was last read. */
interface Pair {
  readonly files: CertificateFiles;
  /** The version of the files that the certificate was read from. */
  seen: string;
  certificate: Certificate;
  options: SecureContextOptions;
  context: SecureContext;
}

/** Our order of ciphers; and no handshake anew within a connection, which costs us far more than who asks for it. */
const secureOptions = constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_NO_RENEGOTIATION;
const dayMs = 86_400_000;
/** Said of a certificate that ends sooner: at each reading, and once a day as long as it is not renewed. */
const soonMs = 14 * dayMs;

export class Certificates implements ShownCertificates {
  readonly #options: CertificatesOptions;
  readonly #main: Pair;
  /** The main one first. */
  readonly #pairs: readonly Pair[];
  #clientCa: { readonly seen: string; readonly pem: string } | null;
  #timer: Timer | null = null;
  /** When it was last looked how long the certificates hold. */
  #toldAt = 0;
  readonly #servers = new Map<TlsListener, Pair>();

  /** Reads them all. Throws CertificateProblem. One that has expired is logged as an error, and shown. */
  constructor(options: CertificatesOptions) {
    this.#options = options;
    this.#clientCa = this.#readClientCa();
    this.#main = this.#read(options.main);
    this.#pairs = [this.#main, ...options.others.map((files) => this.#read(files))];
    this.#tellOfAge();
    this.#schedule();
  }

  /** What a server is made with: the main certificate, and the others for clients that ask for their names. */
  get serverOptions(): TlsOptions {
    return this.#serverOptions(this.#main);
  }

  /** The server goes on with the certificates that are in force from now on, until it is closed. */
  keepFresh(server: TlsListener): void {
    this.#keepFresh(server, this.#main);
  }

  /** The same certificates, with one of `others` in place of the main one. Throws where it is none of them. */
  shownFirst({ cert, key }: CertificateFiles): ShownCertificates {
    const pair = this.#pairs.find(({ files }) => files.cert === cert && files.key === key);
    if (pair === undefined) throw new Error('these files are none of those that were read');
    const serverOptions = (): TlsOptions => this.#serverOptions(pair);
    return {
      get serverOptions() {
        return serverOptions();
      },
      keepFresh: (server) => this.#keepFresh(server, pair),
    };
  }

  /** What is shown to a client that asks for that name, where the main certificate stands for the others. */
  contextFor(serverName: string): SecureContext {
    return this.#pairFor(serverName, this.#main).context;
  }

  /** When each ends, milliseconds since the epoch, by its first name; of several with the same the first to end. */
  ends(): Readonly<Record<string, number>> {
    const ends: Record<string, number> = {};
    for (const { certificate } of this.#pairs) {
      const name = certificate.names[0] ?? '';
      ends[name] = Math.min(ends[name] ?? Infinity, certificate.notAfterMs);
    }
    return ends;
  }

  /**
   * Reads the files that have changed. What cannot be used changes nothing, and is logged until it can; it keeps no other pair from
   * being renewed.
   */
  reload(): void {
    const isNewCa = this.#renewClientCa();
    const renewed = this.#pairs.filter((pair) => this.#renew(pair));
    // At once, also of those that cannot be renewed: an authority that was taken away must let nobody in.
    if (isNewCa) for (const pair of this.#pairs) Object.assign(pair, this.#madeOf(pair));
    const { clock, logger } = this.#options;
    if (renewed.length === 0 && !isNewCa) {
      if (clock.now() - this.#toldAt >= dayMs) this.#tellOfAge();
      return;
    }
    const names = (isNewCa ? this.#pairs : renewed).flatMap(({ certificate }) => certificate.names);
    logger.info({ names }, 'certificates were read anew');
    this.#tellOfAge();
    for (const [server, pair] of this.#servers) server.setSecureContext(pair.options);
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#servers.clear();
  }

  #serverOptions(pair: Pair): TlsOptions {
    return {
      ...pair.options,
      SNICallback: (serverName, done) => done(null, this.#pairFor(serverName, pair).context),
    };
  }

  #keepFresh(server: TlsListener, pair: Pair): void {
    this.#servers.set(server, pair);
    server.once('close', () => this.#servers.delete(server));
  }

  /** One for the very name goes before one with a wildcard, and `first` before others that are as good. */
  #pairFor(serverName: string, first: Pair): Pair {
    const pairs = [first, ...this.#pairs];
    const best = (how: 'name' | 'wildcard'): Pair | undefined =>
      pairs.find(({ certificate }) => matchOf(certificate.names, serverName) === how);
    return best('name') ?? best('wildcard') ?? first;
  }

  #read(files: CertificateFiles): Pair {
    const seen = versionOf(files);
    return this.#madeOf({ files, seen, certificate: readCertificate(files) });
  }

  /** With the authorities for clients that are in force. Throws CertificateProblem. */
  #madeOf({ files, seen, certificate }: Pick<Pair, 'files' | 'seen' | 'certificate'>): Pair {
    const { minVersion, ciphers } = this.#options;
    const { certPem: cert, keyPem: key } = certificate;
    const ca = this.#clientCa === null ? {} : { ca: this.#clientCa.pem };
    const options = { ...ca, cert, key, minVersion, ciphers, secureOptions };
    return { files, seen, certificate, options, context: contextOf(options, files) };
  }

  /** A start goes on with such a one, as calls over UDP do; but it takes no other's place. */
  #refuseExpired({ certificate: { notAfterMs }, files }: Pair): void {
    if (notAfterMs > this.#options.clock.now()) return;
    const end = new Date(notAfterMs).toISOString().slice(0, 10);
    throw new CertificateProblem(`The certificate in ${files.cert} has expired, on ${end}.`);
  }

  /** Whether the pair was read anew. */
  #renew(pair: Pair): boolean {
    if (versionOf(pair.files) === pair.seen) return false;
    try {
      const renewed = this.#read(pair.files);
      this.#refuseExpired(renewed);
      Object.assign(pair, renewed);
      return true;
    } catch (error) {
      this.#tellOfProblem(error);
      return false;
    }
  }

  #readClientCa(): { readonly seen: string; readonly pem: string } | null {
    const { clientCa } = this.#options;
    if (clientCa === undefined) return null;
    const read = { seen: fileVersion(clientCa), pem: readAuthorities(clientCa) };
    // What stands behind the first of them may be broken: not to be found out when half of the pairs have it.
    mustBeAuthorities(read.pem, clientCa);
    return read;
  }

  /** Whether clients' certificates may come from others than before. */
  #renewClientCa(): boolean {
    const { clientCa } = this.#options;
    if (clientCa === undefined || fileVersion(clientCa) === this.#clientCa?.seen) return false;
    try {
      this.#clientCa = this.#readClientCa();
      return true;
    } catch (error) {
      this.#tellOfProblem(error);
      return false;
    }
  }

  #tellOfProblem(error: unknown): void {
    this.#options.logger.error(
      { problem: (error as Error).message },
      'changed certificates cannot be used; the former stay in force',
    );
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.reloadMs, () => {
      this.#schedule();
      this.reload();
    });
  }

  #tellOfAge(): void {
    const { clock, logger } = this.#options;
    this.#toldAt = clock.now();
    for (const { certificate } of this.#pairs) {
      const { names, notAfterMs, notBeforeMs } = certificate;
      const leftMs = notAfterMs - clock.now();
      const fields = { names, notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
      if (leftMs < 0) logger.error(fields, 'a certificate has expired');
      else if (notBeforeMs > clock.now()) logger.error(fields, 'a certificate is not valid yet');
      else if (leftMs < soonMs) logger.warn(fields, 'a certificate expires soon');
    }
  }
}

/** Changes with either file, also where a link to one is set anew, as those who renew certificates do. */
function versionOf({ cert, key }: CertificateFiles): string {
  return [cert, key].map(fileVersion).join(', ');
}

function mustBeAuthorities(ca: string, path: string): void {
  try {
    createSecureContext({ ca });
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown';
    throw new CertificateProblem(`The authorities in ${path} cannot be used: ${why}.`, { cause: error });
  }
}

function contextOf(options: SecureContextOptions, { cert }: CertificateFiles): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    // What is left to be wrong is the list of ciphers, or a key that the system finds too weak.
    const why = error instanceof Error ? error.message : 'unknown';
    throw new CertificateProblem(`TLS cannot be spoken with ${cert} and \`tls.ciphers\`: ${why}.`, {
      cause: error,
    });
  }
}
