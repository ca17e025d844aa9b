/** Looks at what STIR needs: the list of authorities and its age, and the key that calls are signed with beside its certificate. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Config } from '../config/config-schema.js';
import { systemClock } from '../domain/clock.js';
import {
  CallSigner,
  CertificateFetcher,
  readChain,
  TrustAnchors,
  type StirCertificate,
} from '../stir/index.js';
import { CertificateProblem, readAuthorities, readPem } from '../tls/certificate.js';
import { fail, ok, warn, whyOf, type Finding } from './finding.js';

const what = 'STIR';
const dayMs = 86_400_000;
/** Lists change every few days. */
const oldListDays = 30;
const soonDays = 14;
const maxChain = 10;

type Settings = Pick<Config, 'stir' | 'nextHop'>;

export async function lookAtStir(config: Settings, nowMs: number): Promise<Finding[]> {
  const { ca, key } = config.stir;
  if (ca === undefined && key === undefined)
    return [ok(what, 'off: no stir.ca, so no trunk can verify its calls')];
  const anchors = ca === undefined ? null : attempt(() => TrustAnchors.read(readPem(ca)));
  return [
    ...(ca === undefined || anchors === null ? [] : listed(ca, anchors, config, nowMs)),
    ...(await lookAtSigning(config, anchors instanceof TrustAnchors ? anchors : null, nowMs)),
  ];
}

function attempt<T>(look: () => T): T | Finding {
  try {
    return look();
  } catch (error) {
    // What the system or the parser says quotes nothing of a file.
    return fail(what, whyOf(error));
  }
}

function listed(path: string, anchors: TrustAnchors | Finding, { stir }: Settings, nowMs: number): Finding[] {
  if (!(anchors instanceof TrustAnchors)) return [{ ...anchors, text: `stir.ca: ${anchors.text}` }];
  const { authorities, leftOut } = anchors;
  const days = Math.floor((nowMs - statSync(path).mtimeMs) / dayMs);
  const words = `stir.ca: ${authorities.length} authorities, from ${days} days ago`;
  const lapsed = authorities.filter(({ notAfterMs }) => notAfterMs <= nowMs).length;
  return [
    days > oldListDays
      ? warn(what, `${words}: fetch the list anew, and see that it is fetched again and again`)
      : ok(what, words),
    ...(lapsed === 0 ? [] : [warn(what, `stir.ca: ${lapsed} of its authorities have ended`)]),
    ...(leftOut.length === 0
      ? []
      : [warn(what, `stir.ca: ${leftOut.length} certificates in it are of no use`)]),
    ok(what, revocationWords(stir)),
    ...(stir.revocationCa === undefined ? [] : [lookAtListSigners(stir.revocationCa, nowMs)]),
  ];
}

function revocationWords({ revocation }: Settings['stir']): string {
  switch (revocation) {
    case 'off':
      return 'whether certificates were revoked is not looked at';
    case 'soft':
      return 'certificates that were revoked let no call pass, as far as the lists of them can be had';
    case 'hard':
      return 'certificates that were revoked let no call pass, nor do those whose list cannot be had';
  }
}

function lookAtListSigners(path: string, nowMs: number): Finding {
  const found = attempt(() => readChain(readPem(path), maxChain));
  if (!Array.isArray(found))
    return { ...(found as Finding), text: `stir.revocationCa: ${(found as Finding).text}` };
  const signers = found as readonly StirCertificate[];
  const lapsed = signers.filter(({ notAfterMs }) => notAfterMs <= nowMs).length;
  const words = `stir.revocationCa: ${signers.length} certificates that sign lists`;
  return lapsed === 0 ? ok(what, words) : warn(what, `${words}, of which ${lapsed} have ended`);
}

async function lookAtSigning(
  config: Settings,
  anchors: TrustAnchors | null,
  nowMs: number,
): Promise<Finding[]> {
  const { key, certificateUrl } = config.stir;
  if (key === undefined || certificateUrl === undefined) return [];
  const publicKey = attempt(() => publicKeyOf(key, certificateUrl));
  if (!('export' in publicKey)) return [{ ...publicKey, text: `stir.key: ${key}: ${publicKey.text}` }];
  const chain = await fetchChain(config, certificateUrl);
  if (typeof chain === 'string') return [warn(what, `stir.certificateUrl: ${certificateUrl} ${chain}`)];
  const [certificate] = chain;
  if (certificate === undefined) return [];
  return [belongs(certificate, publicKey, nowMs), ...vouched(chain, anchors, nowMs)];
}

/** Throws where calls cannot be signed with it. */
function publicKeyOf(path: string, certificateUrl: string): KeyObject {
  const pem = readPem(path);
  new CallSigner(pem, certificateUrl);
  return createPublicKey(createPrivateKey(pem));
}

function belongs(
  { publicKey, notBeforeMs, notAfterMs }: StirCertificate,
  own: KeyObject,
  nowMs: number,
): Finding {
  const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('hex');
  if (spki(publicKey) !== spki(own))
    return fail(
      what,
      'the certificate at stir.certificateUrl is not that of stir.key: nobody could verify our calls',
    );
  const days = Math.floor((notAfterMs - nowMs) / dayMs);
  const words = `the certificate at stir.certificateUrl is that of stir.key, until ${new Date(notAfterMs).toISOString().slice(0, 10)}`;
  if (notAfterMs <= nowMs) return fail(what, `${words}: it has expired`);
  if (notBeforeMs > nowMs) return fail(what, `${words}: it is not valid yet`);
  return days < soonDays ? warn(what, `${words}: ${days} days`) : ok(what, `${words} (${days} days)`);
}

/** Others have the same list, or one like it. */
function vouched(chain: readonly StirCertificate[], anchors: TrustAnchors | null, nowMs: number): Finding[] {
  if (anchors === null) return [];
  const path = anchors.pathOf(chain, nowMs);
  return typeof path === 'string'
    ? [warn(what, `our own certificate would not be believed by us: ${path}`)]
    : [ok(what, 'an authority of stir.ca vouches for our own certificate')];
}

/** What is wrong with it, in words, where there is none. */
async function fetchChain(
  { stir, nextHop }: Settings,
  url: string,
): Promise<readonly StirCertificate[] | string> {
  const { fetchSeconds, maxBytes, serverCa } = stir;
  const authorities = serverCa === undefined ? null : attempt(() => readAuthorities(serverCa));
  if (authorities !== null && typeof authorities !== 'string') return `is not fetched: ${authorities.text}`;
  const fetcher = new CertificateFetcher({
    // The operator wrote the URL.
    allowsAddress: () => true,
    ...{ clock: systemClock, timeoutMs: fetchSeconds * 1000, maxBytes, userAgent: 'Landbridge' },
    dnsServers: nextHop.dnsServers,
    ...(authorities !== null && { serverCa: [...rootCertificates, authorities] }),
  });
  try {
    const fetched = await fetcher.fetch(new URL(url));
    return fetched === null ? 'cannot be fetched from here' : readChain(fetched.text, maxChain);
  } catch (error) {
    if (error instanceof CertificateProblem) throw error;
    return `holds no certificate of a signer: ${whyOf(error)}`;
  } finally {
    fetcher.close();
  }
}
