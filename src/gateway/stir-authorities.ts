/** Who vouches for signers' certificates, and who signs lists of revoked ones: files, watched. */
import { readChain, TrustAnchors, type StirCertificate } from '../stir/index.js';
import { CertificateProblem, readPem } from '../tls/certificate.js';
import type { GatewayContext } from './context.js';
import { WatchedFile } from './watched-file.js';

type Context = Pick<GatewayContext, 'clock' | 'logger'>;

/** So many of those that are left out are named in the log. */
const maxSubjects = 20;
const maxListSigners = 20;

/** `stir.ca`. One certificate that is of no use takes none of the others away. Throws CertificateProblem. */
export function watchAuthorities(context: Context, path: string, everyMs: number): WatchedFile<TrustAnchors> {
  return new WatchedFile(context, {
    ...{ path, everyMs, name: 'stir.ca' },
    read: () => {
      const anchors = readAnchors(path);
      const { count, leftOut } = anchors;
      const subjects = leftOut.slice(0, maxSubjects).map((subject) => subject ?? 'unreadable');
      if (leftOut.length > 0)
        context.logger.warn(
          { authorities: count, leftOut: leftOut.length, subjects },
          'the list of authorities holds certificates that are of no use; they are left out',
        );
      return anchors;
    },
    fieldsOf: ({ count }) => ({ authorities: count }),
  });
}

/** `stir.revocationCa`. Throws CertificateProblem. */
export function watchListSigners(
  context: Context,
  path: string,
  everyMs: number,
): WatchedFile<readonly StirCertificate[]> {
  return new WatchedFile(context, {
    ...{ path, everyMs, name: 'stir.revocationCa', read: readListSigners },
    fieldsOf: ({ length }) => ({ authorities: length }),
  });
}

function readListSigners(path: string): readonly StirCertificate[] {
  const pem = readPem(path);
  try {
    return readChain(pem, maxListSigners);
  } catch (error) {
    const why = (error as Error).message;
    throw new CertificateProblem(`${path} holds no certificate that signs lists: ${why}.`, { cause: error });
  }
}

function readAnchors(path: string): TrustAnchors {
  // The first of them need not be one that can be used.
  const pem = readPem(path);
  try {
    return TrustAnchors.read(pem);
  } catch (error) {
    const why = (error as Error).message;
    throw new CertificateProblem(`${path} holds no list of authorities for calls: ${why}.`, { cause: error });
  }
}
