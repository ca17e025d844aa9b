/** STUN and TURN servers that browsers are told of. */
import * as z from 'zod';

/** RFC 7064, RFC 7065: a host, in brackets for IPv6, a port, and the transport to a TURN server. */
const url = z
  .string()
  .max(300)
  .regex(
    /^(?:stuns?:(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?|turns?:(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?)$/,
    'must be a STUN or TURN URI such as stun:stun.example.com:3478 or turns:turn.example.com:443?transport=tcp',
  );

const isTurn = (text: string): boolean => text.startsWith('turn');

export const iceServers = z
  .array(
    z
      .strictObject({
        urls: z.array(url).min(1).max(10),
        username: z.string().min(1).max(512).optional(),
        credential: z.string().min(1).max(512).optional(),
        secret: z.string().min(1).max(1024).optional(),
      })
      .superRefine(({ urls, username, credential, secret }, context) => {
        const fail = (message: string): void => context.addIssue({ code: 'custom', message });
        if ((username === undefined) !== (credential === undefined))
          fail('must have username and credential, or neither');
        if (secret !== undefined && credential !== undefined)
          fail('must have username and credential, or a secret that they are made with');
        if (urls.some(isTurn) && secret === undefined && credential === undefined)
          fail('must have username and credential, or a secret, for TURN');
      }),
  )
  .max(10);

export type IceServerSettings = z.output<typeof iceServers>[number];
