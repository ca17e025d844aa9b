/** Settings of TLS: what the gateway shows of itself, and whom it believes. */
import * as z from 'zod';
import { group, path, seconds } from './schema-parts.js';

/** Forward secrecy and authenticated encryption alone (RFC 7525 §4.2), by OpenSSL's names; those of TLS 1.3 are always there. */
const defaultCiphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export const tlsGroups = {
  tls: group('TLS: SIP over TLS, and https', {
    cert: path.optional().meta({
      description:
        'File with the certificate and its chain, PEM. With it SIP is also spoken over TLS, and HTTP becomes https.',
      defaultText: 'none: no TLS',
    }),
    key: path.optional().meta({ description: 'File with its private key, PEM, not encrypted.' }),
    hosts: z
      .array(z.strictObject({ cert: path, key: path }))
      .max(100)
      .default([])
      .meta({
        description:
          'Further certificates, each with `cert` and `key`, for clients that ask for a name in them (SNI): one for the very name before one with `*.`. Only in the file.',
        fileOnly: true,
      }),
    reloadSeconds: seconds
      .max(86_400)
      .default(60)
      .describe('How often the files are looked at; changed ones are used for new connections.'),
    http: z
      .boolean()
      .default(true)
      .describe('https on the HTTP port, once there is a certificate. Off where a reverse proxy ends TLS.'),
    minVersion: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .default('TLSv1.2')
      .describe('The oldest version that is spoken.'),
    ciphers: z
      .string()
      .min(1)
      .max(4096)
      .default(defaultCiphers)
      .describe('Cipher suites of TLS 1.2, by OpenSSL’s names.'),
    clientCertificates: z
      .enum(['off', 'optional', 'required'])
      .default('off')
      .describe('Whether SIP clients are asked for a certificate, and turned away without a good one.'),
    clientCa: path
      .optional()
      .describe(
        'File with the CAs, PEM, that clients’ certificates may come from. Needed where they are asked for.',
      ),
    showTo: z
      .array(
        z
          .string()
          .max(253)
          .regex(
            /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
            'must be host names, or like *.example.com',
          ),
      )
      .max(100)
      .default([])
      .describe(
        'SIP servers that get `tls.cert` as our certificate, where they ask for one: by the name that is called, `*.` for one label. Others get none.',
      ),
    verifyServers: z
      .boolean()
      .default(true)
      .describe('Whether SIP servers that we connect to must show a good certificate for their name.'),
    serverCa: path
      .optional()
      .describe('File with CAs, PEM, that their certificates may come from, beside those that Node knows.'),
    handshakeTimeoutSeconds: seconds
      .max(120)
      .default(10)
      .describe('A connection whose handshake is not done by then is closed.'),
  }),
};
