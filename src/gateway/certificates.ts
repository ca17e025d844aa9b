/** The certificates of the gateway, for SIP and for HTTP. */
import { sipPlaces } from '../config/sip-places.js';
import { Certificates } from '../tls/certificates.js';
import type { GatewayContext } from './context.js';

/** Null where none is configured. Throws CertificateProblem. */
export function openCertificates({ config, clock, logger, closers }: GatewayContext): Certificates | null {
  const { cert, key, hosts, clientCa, minVersion, ciphers, reloadSeconds } = config.tls;
  if (cert === undefined || key === undefined) return null;
  const certificates = new Certificates({
    main: { cert, key },
    others: [...hosts, ...sipPlaces(config).flatMap(({ certificate }) => certificate ?? [])],
    ...(clientCa !== undefined && { clientCa }),
    ...{ minVersion, ciphers, clock },
    reloadMs: reloadSeconds * 1000,
    logger: logger.child({ layer: 'tls' }),
  });
  closers.onClose('certificates', () => certificates.close());
  return certificates;
}
