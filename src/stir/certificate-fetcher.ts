/**
 * One GET of a certificate over HTTPS. A stranger may have written the URL: the name is looked up once and the connection goes to
 * one of the addresses that were checked; redirects are not followed, nothing is unpacked, and size and time are limited.
 */
import { Resolver } from 'node:dns/promises';
import { Agent, request as requestHttps } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import type { VerifierClock } from './call-verifier.js';

export interface FetchedText {
  readonly text: string;
  /** How long the server lets it be kept; null where it does not say. */
  readonly maxAgeMs: number | null;
}

export interface CertificateFetcherOptions {
  /** Whether connections may go there. */
  readonly allowsAddress: (address: string) => boolean;
  /** The whole exchange: name, connection, answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly clock: VerifierClock;
  readonly userAgent: string;
  /** What is asked for. Default: certificates. */
  readonly accept?: string;
  /** PEM texts of authorities that the servers' own certificates may come from. Default: those that Node knows. */
  readonly serverCa?: readonly string[];
  /** `address` or `address:port`. Default: the system's. */
  readonly dnsServers?: readonly string[];
}

const certificates = 'application/pem-certificate-chain, application/x-pem-file, */*;q=0.1';

class NotFetched extends Error {}

export class CertificateFetcher {
  readonly #options: CertificateFetcherOptions;
  readonly #agent: Agent;
  readonly #running = new Set<AbortController>();
  #isClosed = false;

  constructor(options: CertificateFetcherOptions) {
    this.#options = options;
    const { serverCa } = options;
    // No connection is kept: it would stay open at the stranger's wish.
    this.#agent = new Agent({ keepAlive: false, ...(serverCa !== undefined && { ca: [...serverCa] }) });
  }

  /** Null where it cannot be had. Never rejects. */
  async fetch(url: URL): Promise<FetchedText | null> {
    if (this.#isClosed) return null;
    const { clock, timeoutMs } = this.#options;
    const abort = new AbortController();
    const timer = clock.after(timeoutMs, () => abort.abort());
    this.#running.add(abort);
    try {
      const addresses = await this.#addresses(url.hostname, abort.signal);
      return await this.#get(url, addresses, abort.signal);
    } catch {
      return null;
    } finally {
      timer.cancel();
      this.#running.delete(abort);
    }
  }

  /** Ends what is on its way. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const abort of this.#running) abort.abort();
    this.#agent.destroy();
  }

  /** The host's addresses that may be asked. Throws where there is none. */
  async #addresses(hostname: string, signal: AbortSignal): Promise<readonly string[]> {
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    const found = isIP(host) === 0 ? await this.#lookUp(host, signal) : [host];
    const allowed = found.filter((address) => this.#options.allowsAddress(address));
    if (allowed.length === 0 || signal.aborted) throw new NotFetched();
    return allowed;
  }

  /** By DNS alone: the system's resolver would hold one of few threads for as long as a stranger's server is silent. */
  async #lookUp(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const { dnsServers = [], timeoutMs } = this.#options;
    const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
    if (dnsServers.length > 0) resolver.setServers(dnsServers);
    const cancel = () => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #get(url: URL, addresses: readonly string[], signal: AbortSignal): Promise<FetchedText> {
    return new Promise((resolve, reject) => {
      const request = requestHttps(url, {
        agent: this.#agent,
        lookup: pinned(addresses),
        signal,
        headers: {
          accept: this.#options.accept ?? certificates,
          'accept-encoding': 'identity',
          'user-agent': this.#options.userAgent,
        },
      });
      request.on('error', reject);
      request.on('close', () => reject(new NotFetched()));
      request.on('response', (response) => {
        this.#read(response)
          .then(resolve, reject)
          .finally(() => request.destroy());
      });
      request.end();
    });
  }

  async #read(response: IncomingMessage): Promise<FetchedText> {
    const { maxBytes } = this.#options;
    const { 'content-encoding': encoding = 'identity', 'content-length': length = '0' } = response.headers;
    if (response.statusCode !== 200 || encoding !== 'identity' || Number(length) > maxBytes)
      throw new NotFetched();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new NotFetched();
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('latin1');
    return { text, maxAgeMs: maxAgeOf(response.headers['cache-control']) };
  }
}

/** RFC 9111 §5.2.2: 0 where nothing may be kept; null where it is not said. */
export function maxAgeOf(cacheControl: string | undefined): number | null {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((text) => text.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const age = directives.flatMap((text) => /^(?:s-maxage|max-age)="?(\d{1,10})"?$/.exec(text)?.[1] ?? [])[0];
  return age === undefined ? null : Number(age) * 1000;
}

/** Answers every question with the addresses that were checked. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const wanted = all.filter(({ family }) => !options.family || options.family === family);
    const [first] = wanted;
    if (first === undefined) callback(new Error('no address of that family'), '');
    else if (options.all === true) callback(null, wanted);
    else callback(null, first.address, first.family);
  };
}
