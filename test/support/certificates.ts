/** Certificates for tests: an authority that only they know, and what it signs. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

export interface CertificateFilePair {
  readonly cert: string;
  readonly key: string;
}

export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /** Host names, addresses, and URIs. */
  readonly names: readonly string[];
  /** Default the first of them. */
  readonly commonName?: string;
  /** Default a day from now. */
  readonly notAfter?: Date;
}

/** An authority with a directory of its own, where it writes what it signs. */
export class TestAuthority {
  readonly certPem: string;
  readonly directory: string;
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  #serial = 1;

  private constructor(directory: string, keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.directory = directory;
    this.#keys = keys;
    this.#certificate = certificate;
    this.certPem = certificate.toString('pem');
  }

  static async open(): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(new Date(Date.now() + 10 * dayMs)),
      serialNumber: '01',
      name: 'CN=Authority of a test',
      keys: keys as never,
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
    });
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-tls-'));
    const authority = new TestAuthority(directory, keys, certificate);
    await writeFile(authority.file, authority.certPem);
    return authority;
  }

  /** PEM file of its own certificate. */
  get file(): string {
    return join(this.directory, 'authority.pem');
  }

  async issue({ names, commonName, notAfter = new Date(Date.now() + dayMs) }: IssueOptions): Promise<Issued> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(notAfter),
      serialNumber: (this.#serial += 1).toString(16).padStart(2, '0'),
      subject: `CN=${commonName ?? names[0] ?? 'nobody'}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey as never,
      signingKey: this.#keys.privateKey as never,
      signingAlgorithm: algorithm,
      extensions:
        names.length === 0
          ? []
          : [
              new x509.SubjectAlternativeNameExtension(
                names.map((value) => ({ type: kindOf(value), value })),
              ),
            ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const keyPem = x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
    return { certPem: `${certificate.toString('pem')}\n`, keyPem: `${keyPem}\n` };
  }

  /** Writes, or replaces, a pair of files by that name. */
  async write(name: string, { certPem, keyPem }: Issued): Promise<CertificateFilePair> {
    await mkdir(this.directory, { recursive: true });
    const pair = { cert: join(this.directory, `${name}.crt`), key: join(this.directory, `${name}.key`) };
    await writeFile(pair.cert, certPem);
    await writeFile(pair.key, keyPem);
    return pair;
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

function kindOf(name: string): 'dns' | 'ip' | 'url' {
  if (isIP(name) !== 0) return 'ip';
  return name.includes(':') ? 'url' : 'dns';
}

function validity(notAfter: Date): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - dayMs), notAfter };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}
