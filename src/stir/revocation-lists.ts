/**
 * Says of the certificates of a way to an authority whether one was revoked, by the lists that they name (RFC 5280 §4.2.1.13). A list is
 * fetched once for all calls, and kept; a newer one that cannot be had leaves the former in force until that ends. Only authorities
 * that are trusted write where a list is.
 */
import type { RevocationSource, Standing, VerifierClock } from './call-verifier.js';
import type { StirCertificate } from './certificate.js';
import type { FetchedText } from './certificate-fetcher.js';
import { allowedUrl, type UrlRules } from './certificate-url.js';
import { RevocationList } from './revocation-list.js';
import type { TrustedPath } from './trust-anchors.js';
import type { ListPlace } from './x509-names.js';

export interface RevocationListsOptions {
  readonly fetch: (url: URL) => Promise<FetchedText | null>;
  readonly rules: UrlRules;
  /** Certificates that may sign lists beside those of the way, such as SHAKEN's policy administrator's. */
  readonly signers: () => readonly StirCertificate[];
  readonly clock: Pick<VerifierClock, 'now'>;
  readonly limits: {
    /** A list is asked for anew after that, though it may hold for longer. */
    readonly keepMs: number;
    /** What could not be had is not asked for again before. */
    readonly failureMs: number;
    /** At once. */
    readonly maxFetches: number;
    /** Lists kept; the one that was asked for the longest ago goes. */
    readonly maxLists: number;
  };
}

interface Entry {
  /** Null where it could not be had, or is none. */
  readonly list: RevocationList | null;
  readonly untilMs: number;
}

export class RevocationLists implements RevocationSource {
  readonly #options: RevocationListsOptions;
  /** In the order in which they were asked for. */
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<RevocationList | null>>();
  #fetches = 0;

  constructor(options: RevocationListsOptions) {
    this.#options = options;
  }

  /** Lists kept, with what could not be had. */
  get size(): number {
    return this.#entries.size;
  }

  /** Asked for of their servers, since the start. */
  get fetches(): number {
    return this.#fetches;
  }

  async standingOf({ certificates }: TrustedPath): Promise<Standing> {
    // The last is in the operator's list, who takes it out of that.
    const standings = await Promise.all(
      certificates
        .slice(0, -1)
        .map((certificate, at) => this.#standingOfOne(certificate, certificates[at + 1])),
    );
    if (standings.includes('revoked')) return 'revoked';
    return standings.includes('unknown') ? 'unknown' : 'good';
  }

  async #standingOfOne(certificate: StirCertificate, issuer: StirCertificate | undefined): Promise<Standing> {
    const { listPlaces } = certificate;
    if (listPlaces.length === 0) return 'good';
    for (const place of listPlaces) {
      const list = await this.#listAt(place);
      if (list === null || !this.#isGenuine(list, place, certificate, issuer)) continue;
      // Also in a list that should be another by now: nobody takes a revocation back.
      if (list.hasRevoked(certificate)) return 'revoked';
      if (!list.isStale(this.#options.clock.now())) return 'good';
    }
    return 'unknown';
  }

  /** It is of whom the certificate says, who signed it, and has certificates of this kind. */
  #isGenuine(
    list: RevocationList,
    place: ListPlace,
    certificate: StirCertificate,
    issuer: StirCertificate | undefined,
  ): boolean {
    if (list.issuer !== (place.issuer ?? certificate.issuer) || !list.isFor(certificate)) return false;
    const signers = [...(issuer === undefined ? [] : [issuer]), ...this.#options.signers()];
    return signers.some((signer) => list.isSignedBy(signer));
  }

  #listAt({ url: text }: ListPlace): Promise<RevocationList | null> {
    const { rules, clock, limits } = this.#options;
    const url = allowedUrl(text, rules);
    if (url === null) return Promise.resolve(null);
    const key = url.href;
    const entry = this.#entries.get(key);
    if (entry !== undefined && clock.now() < entry.untilMs) {
      this.#keep(key, entry);
      return Promise.resolve(entry.list);
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#running.size >= limits.maxFetches) return Promise.resolve(entry?.list ?? null);
    const fetching = this.#fetch(url, key).finally(() => this.#running.delete(key));
    this.#running.set(key, fetching);
    return fetching;
  }

  async #fetch(url: URL, key: string): Promise<RevocationList | null> {
    const { fetch, clock, limits } = this.#options;
    this.#fetches += 1;
    const fetched = await fetch(url).catch(() => null);
    const read = fetched === null ? null : readList(fetched.text);
    const now = clock.now();
    const former = this.#entries.get(key)?.list ?? null;
    const isNew = read !== null && !read.isStale(now) && read.thisUpdateMs >= (former?.thisUpdateMs ?? 0);
    const list = isNew ? read : (former ?? read);
    const untilMs = isNew
      ? Math.min(now + limits.keepMs, Math.max(read.nextUpdateMs ?? Infinity, now + limits.failureMs))
      : now + limits.failureMs;
    this.#keep(key, { list, untilMs });
    return list;
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#options.limits.maxLists && oldest.done !== true)
      this.#entries.delete(oldest.value);
  }
}

function readList(text: string): RevocationList | null {
  try {
    return new RevocationList(Buffer.from(text, 'latin1'));
  } catch {
    return null;
  }
}
