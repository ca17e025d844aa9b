/** Authorities and signers of calls for tests: chains of certificates with lists of numbers (RFC 8226), good and bad ones. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

const dayMs = 86_400_000;

export interface StirIssued {
  readonly certPem: string;
  readonly keyPem: string;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  /** Undefined: itself. */
  readonly issuer: StirIssued | undefined;
}

export interface StirSubject {
  readonly name?: string;
  /** Who signs it. Default: itself. */
  readonly issuer?: StirIssued;
  /** The code of a service provider. Null: no list of numbers at all. Default `1234`; authorities have none. */
  readonly spc?: string | null;
  /** Single numbers in place of the code. */
  readonly numbers?: readonly string[];
  /** A range of numbers in place of the code: the first, and how many. */
  readonly range?: readonly [start: string, count: number];
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  readonly curve?: 'P-256' | 'P-384';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Default: what its kind needs. */
  readonly keyUsage?: x509.KeyUsageFlags;
  readonly extensions?: readonly x509.Extension[];
  /** A pair that another certificate has, too. */
  readonly keys?: webcrypto.CryptoKeyPair;
}

let serial = 1;

export async function issueStir(subject: StirSubject = {}): Promise<StirIssued> {
  const { name = 'SHAKEN 1234', issuer, isAuthority = false, curve = 'P-256', pathLength } = subject;
  const algorithm = { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' };
  const keys = subject.keys ?? (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']));
  const usage =
    subject.keyUsage ?? (isAuthority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature);
  const list = isAuthority && subject.spc === undefined ? null : listOf(subject);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: (serial += 1).toString(16).padStart(4, '0'),
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: subject.notBefore ?? new Date(Date.now() - dayMs),
    notAfter: subject.notAfter ?? new Date(Date.now() + dayMs),
    publicKey: keys.publicKey as never,
    signingKey: (issuer?.keys ?? keys).privateKey as never,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
      new x509.KeyUsagesExtension(usage, true),
      ...(list === null ? [] : [new x509.Extension('1.3.6.1.5.5.7.1.26', false, list)]),
      ...(subject.extensions ?? []),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const keyPem = `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
  return { certPem: `${certificate.toString('pem')}\n`, keyPem, certificate, keys, issuer };
}

/** Root, intermediate and signer, as in SHAKEN. `chainPem`: what stands at the URL. */
export async function stirChain(signer: StirSubject = {}) {
  const root = await issueStir({ name: 'Root of a test', isAuthority: true });
  const middle = await issueStir({
    name: 'Authority of a test',
    issuer: root,
    isAuthority: true,
    pathLength: 0,
  });
  const leaf = await issueStir({ issuer: middle, ...signer });
  return { root, middle, leaf, chainPem: leaf.certPem + middle.certPem, keyPem: leaf.keyPem };
}

/** Says where the list is that would tell of a certificate. `issuer`: whose the list is, where it is another's than the certificate's. */
export function listAt(url: string, issuer?: StirIssued): x509.Extension {
  const point = der(0xa0, der(0xa0, der(0x86, Buffer.from(url))));
  const by = issuer === undefined ? [] : [der(0xa2, der(0xa4, subjectOf(issuer)))];
  return new x509.Extension('2.5.29.31', false, der(0x30, der(0x30, point, ...by)));
}

/** May sign certificates and lists. */
export const certificatesAndLists = (x509.KeyUsageFlags.keyCertSign |
  x509.KeyUsageFlags.cRLSign) as x509.KeyUsageFlags;

export interface StirList {
  readonly signer: StirIssued;
  readonly revoked?: readonly StirIssued[];
  /** Those of other issuers are among them. */
  readonly isIndirect?: boolean;
  readonly thisUpdate?: Date;
  /** Null: nobody says. Default: tomorrow. */
  readonly nextUpdate?: Date | null;
  readonly extensions?: readonly x509.Extension[];
}

/** A list of revoked certificates, in DER. */
export async function revocationList(list: StirList): Promise<Buffer> {
  const { signer, revoked = [], isIndirect = false, extensions = [] } = list;
  const nextUpdate = list.nextUpdate === undefined ? new Date(Date.now() + dayMs) : list.nextUpdate;
  const made = await x509.X509CrlGenerator.create({
    issuer: signer.certificate.subject,
    thisUpdate: list.thisUpdate ?? new Date(Date.now() - 60_000),
    ...(nextUpdate !== null && { nextUpdate }),
    entries: revoked.map(({ certificate, issuer }) => ({
      serialNumber: certificate.serialNumber,
      extensions: isIndirect && issuer !== undefined ? [ofIssuer(issuer)] : [],
    })),
    extensions: [
      ...(isIndirect
        ? [new x509.Extension('2.5.29.28', true, der(0x30, der(0x84, Buffer.from([0xff]))))]
        : []),
      ...extensions,
    ],
    signingKey: signer.keys.privateKey as never,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return Buffer.from(made.rawData);
}

function ofIssuer(issuer: StirIssued): x509.Extension {
  return new x509.Extension('2.5.29.29', true, der(0x30, der(0xa4, subjectOf(issuer))));
}

function subjectOf({ certificate }: StirIssued): Buffer {
  return Buffer.from(certificate.subjectName.toArrayBuffer());
}

/** A TNAuthList (RFC 8226 §9); null for none. */
function listOf({ spc = '1234', numbers = [], range }: StirSubject): Buffer | null {
  const ia5 = (text: string) => der(0x16, Buffer.from(text));
  if (numbers.length > 0) return der(0x30, ...numbers.map((number) => der(0xa2, ia5(number))));
  if (range !== undefined) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(range[1]);
    return der(0x30, der(0xa1, der(0x30, ia5(range[0]), der(0x02, count))));
  }
  return spc === null ? null : der(0x30, der(0xa0, ia5(spc)));
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length > 127)
    return Buffer.concat([Buffer.from([tag, 0x82, content.length >> 8, content.length & 255]), content]);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}
