/** Opens what verifies the signatures of calls, and fetches signers' certificates. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { VerifyCall } from '../doors/sip/verified-caller.js';
import { AddressPolicy } from '../events/address-policy.js';
import { normalizeNumber } from '../phone-numbers/e164.js';
import {
  CallSigner,
  CallVerifier,
  CertificateCache,
  CertificateFetcher,
  TrustAnchors,
} from '../stir/index.js';
import { CertificateProblem, readAuthorities } from '../tls/certificate.js';
import type { GatewayContext } from './context.js';
import { StirAuthorities } from './stir-authorities.js';

export interface GatewayStir {
  readonly verify: VerifyCall;
  /** There is a list of authorities: without one no call passes. */
  readonly isReady: boolean;
  /** Signs calls that the gateway places; null where it has no key for that. */
  readonly signer: CallSigner | null;
  readonly figures: () => { readonly certificates: number; readonly fetches: number };
}

/** Throws CertificateProblem where a file of authorities, or the key, cannot be used. */
export function openStir(context: GatewayContext): GatewayStir {
  const { config, clock, closers } = context;
  const { stir, numbers } = config;
  const authorities =
    stir.ca === undefined ? null : new StirAuthorities(context, stir.ca, stir.reloadSeconds * 1000);
  const none = new TrustAnchors();
  const fetcher = openFetcher(context);
  closers.onClose('signers’ certificates', () => {
    authorities?.close();
    fetcher.close();
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
  const verifier = new CallVerifier({
    ...{ certificates, clock, anchors: () => authorities?.anchors ?? none },
    limits: {
      ...{ maxAgeMs: stir.maxAgeSeconds * 1000, maxAheadMs: stir.maxAheadSeconds * 1000 },
      ...{ maxIdentities: stir.maxIdentities, timeoutMs: stir.timeoutMs },
      ...{ maxCertificates: stir.maxCertificates, maxUsedSignatures: stir.maxUsedSignatures },
    },
  });
  const defaultCountry = numbers.defaultCountry ?? null;
  const forms = (texts: readonly string[]) => comparedForms(texts, defaultCountry);
  return {
    isReady: authorities !== null,
    signer: openSigner(stir),
    figures: () => ({ certificates: certificates.size, fetches: certificates.fetches }),
    verify: ({ accountId, ...call }) =>
      // Counted by account, since one makes as many trunks as it likes.
      verifier.verify({
        ...{ ...call, requester: accountId, caller: forms(call.caller), called: forms(call.called) },
      }),
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

function openFetcher({ config: { stir, nextHop }, clock, version }: GatewayContext): CertificateFetcher {
  const policy = new AddressPolicy({ allowedNetworks: stir.allowedNetworks });
  return new CertificateFetcher({
    allowsAddress: (address) => policy.allows(address),
    ...{
      clock,
      timeoutMs: stir.fetchSeconds * 1000,
      maxBytes: stir.maxBytes,
      userAgent: `Landbridge/${version}`,
    },
    dnsServers: nextHop.dnsServers,
    ...(stir.serverCa !== undefined && { serverCa: [...rootCertificates, readAuthorities(stir.serverCa)] }),
  });
}
