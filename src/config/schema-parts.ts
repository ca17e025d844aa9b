/** What the parts of the schema are made of. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { isNetwork, NetworkList } from '../domain/network-list.js';

export const count = z.int().min(1);
export const seconds = z.int().min(1).max(31_536_000);
export const hours = z.int().min(1).max(8760);
export const port = z.int().min(0).max(65_535);
/** An address, with a zone or without, or a name. */
export const host = z
  .string()
  .max(255)
  .refine(
    (text) => isIP(text) !== 0 || /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text),
    'must be an address or a host name, without scheme, brackets and port',
  );

const addressesOfMany = new NetworkList(['224.0.0.0/4', '255.255.255.255', 'ff00::/8']);
const addressesOfNobody = new NetworkList(['0.0.0.0/8', '::']);
/** What sockets are bound to that are not looked up by name: those of SIP and of media. */
export const ownAddress = z
  .union([z.ipv4(), z.ipv6()], 'must be an IPv4 or IPv6 address of this machine, or 0.0.0.0 or :: for all')
  .refine((text) => !addressesOfMany.has(text), 'must be the address of one machine');
/** Where others reach this machine. */
export const publicAddress = z
  .union([z.ipv4(), z.ipv6()], 'must be an IPv4 or IPv6 address')
  .refine(
    (text) => !addressesOfMany.has(text) && !addressesOfNobody.has(text),
    'must be the address of one machine',
  );

/** A name that others know this machine by. */
export const hostName = z
  .string()
  .regex(/^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be a host name');

/** `host`, `host:port` or `[ipv6]:port`. */
export function isHostPort(text: string): boolean {
  const [, bracketed, plain, portText] =
    /^(?:\[([^\]]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isHost = bracketed === undefined ? plain !== undefined : isIP(bracketed) === 6;
  return isHost && (portText === undefined || (Number(portText) >= 1 && Number(portText) <= 65_535));
}

/** The path of a file or directory. */
export const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !/^~(?:\/|$)/.test(text), 'must be a whole path: ~ is a word of the shell’s')
  .refine((text) => !text.includes('\0'), 'must be a path');
export const network = z.string().refine(isNetwork, 'must be addresses or networks like 10.0.0.0/8');
export const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2048);
export const secret = { secret: true };

export const group = <T extends z.core.$ZodLooseShape>(description: string, shape: T) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description);

/** Another server that we log in to. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** `host:port:secret`, an IPv6 address in brackets; a secret may contain colons, but no comma. */
const serverPattern = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5}):(.+)$/;
const maxServers = 16;

/** Several servers, separated by commas. Problems are described without the text itself, which holds secrets. */
export const serverList = z.string().transform((text, context): readonly ServerAddress[] => {
  const servers = text.split(',').flatMap((item): ServerAddress[] => {
    const [, ipv6, name, portText, password] = serverPattern.exec(item.trim()) ?? [];
    const serverHost = ipv6 ?? name;
    const serverPort = Number(portText);
    if (serverHost === undefined || password === undefined || serverPort < 1 || serverPort > 65_535)
      return [];
    return [{ host: serverHost, port: serverPort, secret: password }];
  });
  const names = servers.map((server) => `${server.host}:${server.port}`);
  const problem =
    servers.length !== text.split(',').length
      ? 'must be host:port:secret, or several separated by commas'
      : servers.length > maxServers
        ? `must name at most ${maxServers} servers`
        : new Set(names).size !== names.length
          ? 'must name no server twice'
          : null;
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  return servers;
});
