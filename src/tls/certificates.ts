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
  isFor,
  readAuthorities,
  readCertificate,
  type Certificate,
  type CertificateFiles,
} from './certificate.js';
import { fileVersion } from './file-version.js';

export interface CertificatesOptions {
  /** Shown to clients that ask for no name, or for one that no certificate is for. */
  readonly main: CertificateFiles;
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

interface Loaded {
  readonly certificate: Certificate;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

/** Our order of ciphers; and no handshake anew within a connection, which costs us far more than who asks for it. */
const secureOptions = constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_NO_RENEGOTIATION;
const dayMs = 86_400_000;
/** Said of a certificate that ends sooner: at each reading, and once a day as long as it is not renewed. */
const soonMs = 14 * dayMs;

export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #files: readonly CertificateFiles[];
  #loaded: readonly Loaded[];
  #seen: string;
  #timer: Timer | null = null;
  /** When it was last looked how long the certificates hold. */
  #toldAt = 0;
  readonly #servers = new Set<TlsListener>();

  /** Reads them all. Throws CertificateProblem. */
  constructor(options: CertificatesOptions) {
    this.#options = options;
    this.#files = [options.main, ...options.others];
    this.#seen = this.#look();
    this.#loaded = this.#read();
    this.#tellOfAge();
    this.#schedule();
  }

  /** What a server is made with: the main certificate, and the others for clients that ask for their names. */
  get serverOptions(): TlsOptions {
    return {
      ...this.#main.options,
      SNICallback: (serverName, done) => done(null, this.contextFor(serverName)),
    };
  }

  /** The server goes on with the certificates that are in force from now on, until it is closed. */
  keepFresh(server: TlsListener): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  /** What is shown to a client that asks for that name. */
  contextFor(serverName: string): SecureContext {
    return (this.#loaded.find(({ certificate }) => isFor(certificate, serverName)) ?? this.#main).context;
  }

  /** When each ends, milliseconds since the epoch, by its first name. */
  ends(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#loaded.map(({ certificate: { names, notAfterMs } }) => [names[0] ?? '', notAfterMs]),
    );
  }

  /** Reads the files where one has changed. What cannot be used changes nothing, and is logged until it can. */
  reload(): void {
    const seen = this.#look();
    const { clock, logger } = this.#options;
    if (seen === this.#seen) {
      if (clock.now() - this.#toldAt >= dayMs) this.#tellOfAge();
      return;
    }
    try {
      this.#loaded = this.#read();
    } catch (error) {
      logger.error(
        { problem: (error as Error).message },
        'changed certificates cannot be used; the former stay in force',
      );
      return;
    }
    this.#seen = seen;
    logger.info(
      { names: this.#loaded.flatMap(({ certificate }) => certificate.names) },
      'certificates were read anew',
    );
    this.#tellOfAge();
    for (const server of this.#servers) server.setSecureContext(this.#main.options);
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#servers.clear();
  }

  get #main(): Loaded {
    const [first] = this.#loaded;
    if (first === undefined) throw new Error('there is no certificate');
    return first;
  }

  #read(): Loaded[] {
    const { clientCa, minVersion, ciphers } = this.#options;
    const ca = clientCa === undefined ? {} : { ca: readAuthorities(clientCa) };
    return this.#files.map((files) => {
      const certificate = readCertificate(files);
      const { certPem: cert, keyPem: key } = certificate;
      const options = { ...ca, cert, key, minVersion, ciphers, secureOptions };
      return { certificate, options, context: contextOf(options, files) };
    });
  }

  /** Changes with any of the files, also where a link to one is set anew, as those who renew certificates do. */
  #look(): string {
    const { clientCa } = this.#options;
    const paths = [
      ...this.#files.flatMap(({ cert, key }) => [cert, key]),
      ...(clientCa === undefined ? [] : [clientCa]),
    ];
    return paths.map(fileVersion).join(', ');
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
    for (const { certificate } of this.#loaded) {
      const { names, notAfterMs, notBeforeMs } = certificate;
      const leftMs = notAfterMs - clock.now();
      const fields = { names, notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
      if (leftMs < 0) logger.error(fields, 'a certificate has expired');
      else if (notBeforeMs > clock.now()) logger.error(fields, 'a certificate is not valid yet');
      else if (leftMs < soonMs) logger.warn(fields, 'a certificate expires soon');
    }
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
