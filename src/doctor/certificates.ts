/** Looks at the certificates: can they be used, for whom are they, how long yet. */
import type { Config } from '../config/config-schema.js';
import { sipPlaces } from '../config/sip-places.js';
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
  config: Pick<Config, 'tls' | 'http' | 'sip' | 'advertise' | 'publicIp'>,
  nowMs: number,
): Finding[] {
  const { cert, key, hosts, clientCa, serverCa } = config.tls;
  if (cert === undefined || key === undefined) return [ok('TLS', 'off: no tls.cert')];
  const places = sipPlaces(config);
  const own = places.flatMap(({ certificate }) => certificate ?? []);
  const found: Certificate[] = [];
  const findings = [{ cert, key }, ...hosts, ...own].map((files) =>
    attempt(() => {
      const certificate = readCertificate(files);
      found.push(certificate);
      return ageOf(certificate, files.cert, nowMs);
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

function ageOf({ names, notBeforeMs, notAfterMs }: Certificate, path: string, nowMs: number): Finding {
  const what = 'certificate';
  const days = Math.floor((notAfterMs - nowMs) / dayMs);
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const words = `${path}: ${names.join(', ') || 'for no name'}, ${day(notBeforeMs)} to ${day(notAfterMs)}`;
  if (notAfterMs <= nowMs) return fail(what, `${words}: it has expired`);
  if (notBeforeMs > nowMs) return fail(what, `${words}: it is not valid yet`);
  return days < soonDays ? warn(what, `${words}: ${days} days`) : ok(what, `${words} (${days} days)`);
}

/** Names that others are told, and that no certificate is for. */
function unnamed(
  { http, sip, advertise }: Pick<Config, 'http' | 'sip' | 'advertise'>,
  certificates: readonly Certificate[],
): Finding[] {
  const told = [
    ...(http.publicUrl === undefined ? [] : [new URL(http.publicUrl).hostname.replace(/^\[|\]$/g, '')]),
    ...advertise.flatMap(({ host }) => host ?? []),
    ...sip.listen.flatMap(({ name, transports }) => (transports.includes('tls') ? (name ?? []) : [])),
  ];
  return told
    .filter(
      (name) => certificates.length > 0 && !certificates.some((certificate) => isFor(certificate, name)),
    )
    .map((name) => warn('certificate', `none is for ${name}, which others are told`));
}
