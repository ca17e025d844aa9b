/**
 * Signers' certificates by their URLs, fetched once for all calls that ask while they are on their way, and kept. Failures are
 * kept, too, for a shorter time. What may be fetched is limited in all, by host, and for each requester: callers write the URLs.
 */
import type { CertificateProblem, CertificateSource, VerifierClock } from './call-verifier.js';
import { readChain, type StirCertificate } from './certificate.js';
import type { FetchedText } from './certificate-fetcher.js';
import { allowedUrl, type UrlRules } from './certificate-url.js';

export interface CertificateCacheLimits {
  /** URLs kept, those of failures among them; the one that was asked for the longest ago goes. */
  readonly maxEntries: number;
  /** A certificate is kept at least and at most so long, whatever its server says. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly failureMs: number;
  /** Fetches at once, in all and from one host. One requester has at most half of them, and one in any case. */
  readonly maxFetches: number;
  readonly maxFetchesPerHost: number;
  /** Fetches for one requester within a minute. */
  readonly maxFetchesPerMinute: number;
  /** Certificates behind one URL. */
  readonly maxChain: number;
}

export interface CertificateCacheOptions {
  readonly fetch: (url: URL) => Promise<FetchedText | null>;
  readonly rules: UrlRules;
  readonly clock: Pick<VerifierClock, 'now'>;
  readonly limits: CertificateCacheLimits;
}

type Found = readonly StirCertificate[] | CertificateProblem;

interface Entry {
  readonly found: Found;
  readonly untilMs: number;
}

const minuteMs = 60_000;
/** Requesters counted apart within a minute; accounts are far fewer. */
const maxRequesters = 10_000;

export class CertificateCache implements CertificateSource {
  readonly #options: CertificateCacheOptions;
  /** In the order in which they were asked for. */
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<Found>>();
  readonly #perHost = new Map<string, number>();
  readonly #perRequester = new Map<string, number>();
  /** Fetches on their way, by who asked first. */
  readonly #runningFor = new Map<string, number>();
  /** The same of one host. */
  readonly #perHostFor = new Map<string, number>();
  #minute = 0;
  #fetches = 0;

  constructor(options: CertificateCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Certificates asked for of their servers, since the start. */
  get fetches(): number {
    return this.#fetches;
  }

  /** What is kept of a URL, however long; null where nothing is. Nothing is fetched, and no URL becomes a younger one. */
  keptAt(text: string): Found | null {
    const { rules, clock } = this.#options;
    const url = allowedUrl(text, rules);
    if (url === null) return 'url-not-allowed';
    const entry = this.#entries.get(url.href);
    return entry !== undefined && clock.now() < entry.untilMs ? entry.found : null;
  }

  async certificatesAt(text: string, requester: string): Promise<Found> {
    const { rules, clock } = this.#options;
    const url = allowedUrl(text, rules);
    if (url === null) return 'url-not-allowed';
    // Without the message that it stood in.
    const key = Buffer.from(url.href).toString();
    const entry = this.#entries.get(key);
    if (entry !== undefined && clock.now() < entry.untilMs) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return entry.found;
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    // Whatever the port, and with or without the dot of the root: it is one server that is asked.
    const host = url.hostname.replace(/\.$/, '');
    if (!this.#mayFetch(host, requester)) return 'fetch-limit';
    const fetching = this.#fetch(url, key).finally(() => {
      this.#running.delete(key);
      count(this.#perHost, host, -1);
      count(this.#perHostFor, `${host} ${requester}`, -1);
      count(this.#runningFor, requester, -1);
    });
    this.#running.set(key, fetching);
    return fetching;
  }

  /** Counts it where it may. */
  #mayFetch(host: string, requester: string): boolean {
    const { clock, limits } = this.#options;
    const minute = Math.floor(clock.now() / minuteMs);
    if (minute !== this.#minute) this.#perRequester.clear();
    this.#minute = minute;
    const isFull = this.#perRequester.size >= maxRequesters && !this.#perRequester.has(requester);
    if (
      isFull ||
      this.#running.size >= limits.maxFetches ||
      (this.#runningFor.get(requester) ?? 0) >= Math.ceil(limits.maxFetches / 2) ||
      (this.#perHost.get(host) ?? 0) >= limits.maxFetchesPerHost ||
      (this.#perHostFor.get(`${host} ${requester}`) ?? 0) >= halfOf(limits.maxFetchesPerHost) ||
      (this.#perRequester.get(requester) ?? 0) >= limits.maxFetchesPerMinute
    )
      return false;
    count(this.#perHost, host, 1);
    count(this.#perHostFor, `${host} ${requester}`, 1);
    count(this.#perRequester, requester, 1);
    count(this.#runningFor, requester, 1);
    this.#fetches += 1;
    return true;
  }

  async #fetch(url: URL, key: string): Promise<Found> {
    const { fetch, clock, limits } = this.#options;
    const fetched = await fetch(url).catch(() => null);
    const found = fetched === null ? 'not-fetched' : readFetched(fetched.text, limits.maxChain);
    const now = clock.now();
    const keptMs = Math.min(Math.max(fetched?.maxAgeMs ?? limits.maxMs, limits.minMs), limits.maxMs);
    const endMs = typeof found === 'string' ? now : endOf(found, now);
    const untilMs = endMs <= now ? now + limits.failureMs : Math.min(now + keptMs, endMs);
    this.#entries.delete(key);
    this.#entries.set(key, { found, untilMs });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > limits.maxEntries && oldest.done !== true) this.#entries.delete(oldest.value);
    return found;
  }
}

/** When a signer's certificate ends, or one behind it: it may be renewed there. What had ended before it came is none of its chain. */
function endOf([signer, ...others]: readonly StirCertificate[], nowMs: number): number {
  const ends = others.map(({ notAfterMs }) => notAfterMs).filter((endMs) => endMs > nowMs);
  return Math.min(signer?.notAfterMs ?? nowMs, ...ends);
}

function readFetched(pem: string, max: number): Found {
  try {
    return readChain(pem, max);
  } catch {
    return 'unsuitable-certificate';
  }
}

/** What one requester has of a host, so that others have some. */
function halfOf(limit: number): number {
  return Math.max(1, Math.floor(limit / 2));
}

function count(counts: Map<string, number>, name: string, by: number): void {
  const next = (counts.get(name) ?? 0) + by;
  if (next <= 0) counts.delete(name);
  else counts.set(name, next);
}
