/** Opens what verifies the signatures of calls, and fetches signers' certificates. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { CallerVerification } from '../domain/participants/caller-verification.js';
import type { SignedCall, VerifyCall } from '../doors/sip/verified-caller.js';
import { AddressPolicy } from '../events/address-policy.js';
import { normalizeNumber } from '../phone-numbers/e164.js';
import {
  CallSigner,
  CallVerifier,
  CertificateCache,
  CertificateFetcher,
  RevocationLists,
  TrustAnchors,
} from '../stir/index.js';
import { CertificateProblem, readAuthorities } from '../tls/certificate.js';
import type { GatewayContext } from './context.js';
import { watchAuthorities, watchListSigners } from './stir-authorities.js';

export interface GatewayStir {
  readonly verify: VerifyCall;
  /** What `verify` would say without fetching anything: `not-fetched` where it would have to. No signature counts as used. */
  readonly preview: VerifyCall;
  /** There is a list of authorities: without one no call passes. */
  readonly isReady: boolean;
  /** Signs calls that the gateway places; null where it has no key for that. */
  readonly signer: CallSigner | null;
  readonly figures: () => {
    readonly certificates: number;
    readonly fetches: number;
    readonly revocationLists: number;
    readonly revocationFetches: number;
  };
}

/** Authorities write where lists are, and there are few of them. */
const maxListFetches = 8;
const maxLists = 200;
const listTypes = 'application/pkix-crl, */*;q=0.1';

/** Throws CertificateProblem where a file of authorities, or the key, cannot be used. */
export function openStir(context: GatewayContext): GatewayStir {
  const { config, clock, closers } = context;
  const { stir, numbers } = config;
  const everyMs = stir.reloadSeconds * 1000;
  const authorities = stir.ca === undefined ? null : watchAuthorities(context, stir.ca, everyMs);
  const listSigners =
    stir.revocationCa === undefined ? null : watchListSigners(context, stir.revocationCa, everyMs);
  const none = new TrustAnchors();
  const fetcher = openFetcher(context);
  const listFetcher = openFetcher(context, { maxBytes: stir.revocationMaxBytes, accept: listTypes });
  closers.onClose('signers’ certificates', () => {
    authorities?.close();
    listSigners?.close();
    fetcher.close();
    listFetcher.close();
  });
  const anchors = () => authorities?.value ?? none;
  const lists = new RevocationLists({
    fetch: (url) => listFetcher.fetch(url),
    rules: { ports: stir.ports, hosts: stir.revocationHosts },
    signers: () => [...(listSigners?.value ?? []), ...anchors().authorities],
    clock,
    limits: {
      ...{ keepMs: stir.revocationKeepSeconds * 1000, failureMs: stir.failureSeconds * 1000 },
      ...{ maxFetches: maxListFetches, maxLists },
    },
  });
  const certificates = new CertificateCache({
    fetch: (url) => fetcher.fetch(url),
    rules: { ports: stir.ports, hosts: stir.hosts },
    clock,
    limits: {
      ...{ maxEntries: stir.maxKept, maxChain: stir.maxChain, maxFetches: stir.maxFetches },
      ...{ maxFetchesPerHost: stir.maxFetchesPerHost, maxFetchesPerMinute: stir.maxFetchesPerMinute },
      ...{ minMs: stir.minKeepSeconds * 1000, maxMs: stir.maxKeepSeconds * 1000 },
      failureMs: stir.failureSeconds * 1000,
    },
  });
  const limits = {
    ...{ maxAgeMs: stir.maxAgeSeconds * 1000, maxAheadMs: stir.maxAheadSeconds * 1000 },
    ...{ maxIdentities: stir.maxIdentities, timeoutMs: stir.timeoutMs },
    ...{ maxCertificates: stir.maxCertificates, maxUsedSignatures: stir.maxUsedSignatures },
  };
  const verifier = new CallVerifier({
    ...{ certificates, clock, anchors, limits },
    ...(stir.revocation !== 'off' && {
      revocation: { source: lists, policy: stir.revocation, waitMs: stir.revocationTimeoutMs },
    }),
  });
  const kept = {
    certificatesAt: (url: string) => Promise.resolve(certificates.keptAt(url) ?? ('not-fetched' as const)),
  };
  // A verifier for each call: it remembers signatures that let calls in.
  const previewer = () => new CallVerifier({ certificates: kept, clock, anchors, limits });
  const defaultCountry = numbers.defaultCountry ?? null;
  const forms = (texts: readonly string[]) => comparedForms(texts, defaultCountry);
  const verified = async (
    by: CallVerifier,
    { accountId, ...call }: SignedCall,
  ): Promise<CallerVerification> => {
    // Counted by account, since one makes as many trunks as it likes.
    const verdict = await by.verify({
      ...{ ...call, requester: accountId, caller: forms(call.caller), called: forms(call.called) },
    });
    return { ...verdict, by: 'gateway' };
  };
  return {
    isReady: authorities !== null,
    signer: openSigner(stir),
    figures: () => ({
      ...{ certificates: certificates.size, fetches: certificates.fetches },
      ...{ revocationLists: lists.size, revocationFetches: lists.fetches },
    }),
    verify: (call) => verified(verifier, call),
    preview: (call) => verified(previewer(), call),
  };
}

/**
 * Signed are numbers with their country, called by many without: each is the number that it is here, and no other that has the same
 * digits. What is no number stays as it is.
 */
export function comparedForms(texts: readonly string[], defaultCountry: string | null): readonly string[] {
  return texts.map((text) => normalizeNumber(text, defaultCountry) ?? text);
}

function openSigner({ key, certificateUrl }: GatewayContext['config']['stir']): CallSigner | null {
  if (key === undefined || certificateUrl === undefined) return null;
  try {
    return new CallSigner(readFileSync(key, 'utf8'), certificateUrl);
  } catch (error) {
    // What the system, or the signer, says quotes nothing of the file.
    throw new CertificateProblem(`Calls cannot be signed with ${key}: ${(error as Error).message}.`);
  }
}

function openFetcher(
  { config: { stir, nextHop }, clock, version }: GatewayContext,
  { maxBytes, accept }: { readonly maxBytes: number; readonly accept?: string } = { maxBytes: stir.maxBytes },
): CertificateFetcher {
  const policy = new AddressPolicy({ allowedNetworks: stir.allowedNetworks });
  return new CertificateFetcher({
    allowsAddress: (address) => policy.allows(address),
    ...{
      clock,
      timeoutMs: stir.fetchSeconds * 1000,
      maxBytes,
      ...(accept !== undefined && { accept }),
      userAgent: `Landbridge/${version}`,
    },
    dnsServers: nextHop.dnsServers,
    ...(stir.serverCa !== undefined && { serverCa: [...rootCertificates, readAuthorities(stir.serverCa)] }),
  });
}
