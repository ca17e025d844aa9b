/** Looks at the certificates: can they be used, for whom are they, how long yet. */
import type { Config } from '../config/config-schema.js';
import {
  CertificateProblem,
  isFor,
  readAuthorities,
  readCertificate,
  type Certificate,
} from '../tls/certificate.js';
import { fail, ok, warn, type Finding } from './finding.js';

const dayMs = 86_400_000;
const soonDays = 14;

export function lookAtCertificates(
  config: Pick<Config, 'tls' | 'http' | 'advertise'>,
  nowMs: number,
): Finding[] {
  const { cert, key, hosts, clientCa, serverCa } = config.tls;
  if (cert === undefined || key === undefined) return [ok('TLS', 'off: no tls.cert')];
  const found: Certificate[] = [];
  const findings = [{ cert, key }, ...hosts].map((files) =>
    attempt(() => {
      const certificate = readCertificate(files);
      found.push(certificate);
      return ageOf(certificate, nowMs);
    }),
  );
  const authorities = [clientCa, serverCa]
    .filter((path) => path !== undefined)
    .map((path) =>
      attempt(() => {
        readAuthorities(path);
        return ok('authorities', path);
      }),
    );
  return [...findings, ...authorities, ...unnamed(config, found)];
}

function attempt(look: () => Finding): Finding {
  try {
    return look();
  } catch (error) {
    if (error instanceof CertificateProblem) return fail('certificate', error.message);
    throw error;
  }
}

function ageOf({ names, notBeforeMs, notAfterMs }: Certificate, nowMs: number): Finding {
  const what = 'certificate';
  const days = Math.floor((notAfterMs - nowMs) / dayMs);
  const words = `${names.join(', ') || 'for no name'}, until ${new Date(notAfterMs).toISOString().slice(0, 10)}`;
  if (notAfterMs <= nowMs) return fail(what, `${words}: it has expired`);
  if (notBeforeMs > nowMs) return fail(what, `${words}: it is not valid yet`);
  return days < soonDays ? warn(what, `${words}: ${days} days`) : ok(what, `${words} (${days} days)`);
}

/** Names that others are told, and that no certificate is for. */
function unnamed(
  { http, advertise }: Pick<Config, 'http' | 'advertise'>,
  certificates: readonly Certificate[],
): Finding[] {
  const told = [
    ...(http.publicUrl === undefined ? [] : [new URL(http.publicUrl).hostname.replace(/^\[|\]$/g, '')]),
    ...advertise.flatMap(({ host }) => host ?? []),
  ];
  return told
    .filter(
      (name) => certificates.length > 0 && !certificates.some((certificate) => isFor(certificate, name)),
    )
    .map((name) => warn('certificate', `none is for ${name}, which others are told`));
}
