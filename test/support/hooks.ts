/** A number's hook in a running gateway, called as its platform calls it. */
import { randomUUID } from 'node:crypto';
import {
  platformRequests,
  type Platform,
  type PlatformCall,
  type PlatformRequest,
} from './platform-requests.js';
import type { TestGateway } from './start-gateway.js';

export interface CreatedNumber {
  readonly id: string;
  readonly number?: string;
  readonly hookUrl?: string;
  readonly secret?: string;
}

export function platformOf(name: string): Platform {
  const platform = platformRequests[name];
  if (platform === undefined) throw new Error(`${name} is no known platform`);
  return platform;
}

export function newCall(more?: Readonly<Record<string, string>>): PlatformCall {
  const id = `c-${randomUUID().replaceAll('-', '').slice(0, 8)}-${randomUUID()}`;
  return { id, from: '+15551112222', to: '+15553334444', ...(more === undefined ? {} : { more }) };
}

export function createHook(
  gateway: TestGateway,
  platform: string,
  route: object,
  fields: object = {},
): Promise<CreatedNumber> {
  const { credentials } = platformOf(platform);
  return gateway.rest.done<CreatedNumber>('POST', '/numbers', { platform, credentials, route, ...fields });
}

/** Without its origin, which the test's port belongs to. */
export function hookUrl(gateway: TestGateway, platform: string, name: string, place = ''): string {
  return `${gateway.origin}/hooks/${platform}/${name}${place}`;
}

export function send({ method, url, headers, body }: PlatformRequest): Promise<Response> {
  return fetch(url, { method, headers, ...(method === 'GET' ? {} : { body }) });
}
