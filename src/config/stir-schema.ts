/** Settings of STIR: signatures for who calls whom. */
import { z } from 'zod';
import { count, group, network, path, seconds } from './schema-parts.js';

const hostPattern = z
  .string()
  .max(253)
  .regex(/^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be host names, or like *.example.com');

export const stirGroups = {
  stir: group('STIR: verified callers', {
    ca: path
      .optional()
      .describe(
        'File with the authorities, PEM, that signers’ certificates may come from; read anew when it changes. Without it no trunk can verify its calls.',
      ),
    key: path
      .optional()
      .describe(
        'File with the private key, PEM, of P-256, that calls are signed with which the gateway places.',
      ),
    certificateUrl: z
      .url({ protocol: /^https$/, error: 'must be an https URL' })
      .max(512)
      .optional()
      .describe('Where its certificate and chain are, for those who verify them.'),
    reloadSeconds: seconds.max(86_400).default(60).describe('How often that file is looked at.'),
    timeoutMs: z
      .int()
      .min(1)
      .max(10_000)
      .default(2000)
      .describe('A call that could not be verified by then is not; it waits no longer.'),
    maxAgeSeconds: seconds.max(3600).default(60).describe('How old a signature may be.'),
    maxAheadSeconds: seconds
      .max(3600)
      .default(30)
      .describe('How far the signer’s clock may be ahead of ours.'),
    maxIdentities: count.max(20).default(6).describe('Identity headers of one call that are looked at.'),
    maxCertificates: count
      .max(20)
      .default(3)
      .describe(
        'URLs of certificates that are asked for one call; a call that was sent on may need one for each step.',
      ),
    maxUsedSignatures: count
      .max(1_000_000)
      .default(20_000)
      .describe(
        'Signatures that let a call in and are remembered while they are fresh, so that they let in no other; the oldest goes.',
      ),
    hosts: z
      .array(hostPattern)
      .max(1000)
      .default([])
      .describe('Hosts that certificates are fetched from, `*.` for all names under one; empty: from any.'),
    ports: z
      .array(z.coerce.number().int().min(1).max(65_535))
      .min(1)
      .max(20)
      .default([443, 8443])
      .describe('Ports that they are fetched from.'),
    allowedNetworks: z
      .array(network)
      .default([])
      .describe('Private addresses and networks that they may be fetched from. Callers write where to.'),
    serverCa: path
      .optional()
      .describe(
        'File with CAs, PEM, that those servers’ own certificates may come from, beside those that Node knows.',
      ),
    revocation: z
      .enum(['off', 'soft', 'hard'])
      .default('soft')
      .describe(
        'Whether signers’ certificates are looked for in the lists of revoked ones that they name: `soft` minds only what stands there, `hard` also what cannot be had, `off` does not look.',
      ),
    revocationCa: path
      .optional()
      .describe(
        'File with certificates, PEM, of who signs such lists for the certificates of others, as the STI Policy Administrator does. Read anew when it changes.',
      ),
    revocationHosts: z
      .array(hostPattern)
      .max(1000)
      .default([])
      .describe('Hosts that lists are fetched from, `*.` for all names under one; empty: from any.'),
    revocationTimeoutMs: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('A call waits no longer for a list.'),
    revocationKeepSeconds: seconds
      .max(604_800)
      .default(3600)
      .describe('A list is asked for anew after this, though it may hold for longer.'),
    revocationMaxBytes: count.max(16_777_216).default(1_048_576).describe('A longer list is none.'),
    fetchSeconds: seconds.max(60).default(5).describe('A certificate that has not come by then is given up.'),
    maxBytes: count.max(1_048_576).default(32_768).describe('A longer answer is none.'),
    maxChain: count.max(10).default(5).describe('Certificates behind one URL.'),
    minKeepSeconds: seconds
      .default(60)
      .describe('A certificate is kept so long, also where its server says less.'),
    maxKeepSeconds: seconds.default(3600).describe('The same, where it says more, or nothing.'),
    failureSeconds: seconds.default(30).describe('What could not be fetched is asked for again after this.'),
    maxKept: count
      .max(100_000)
      .default(1000)
      .describe('URLs whose answers are kept; the longest unused goes.'),
    maxFetches: count
      .max(1000)
      .default(8)
      .describe(
        'Certificates fetched at once; for the calls of one account half of them, and one in any case.',
      ),
    maxFetchesPerHost: count
      .max(1000)
      .default(4)
      .describe('The same of one host, also half of them for one account.'),
    maxFetchesPerMinute: count
      .default(60)
      .describe('Certificates fetched for the calls of one account within a minute.'),
  }),
};
