/** Asks the gateway on this machine, by http or https; its certificate is looked at elsewhere. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface LocalGateway {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
}

export interface LocalAnswer {
  readonly status: number;
  /** Parsed JSON; null where it is none. */
  readonly body: unknown;
}

const timeoutMs = 5000;

/** Rejects where nobody answers within five seconds. */
export function ask(
  { isTls, host, port }: LocalGateway,
  method: string,
  path: string,
  { authorization, body }: { readonly authorization?: string; readonly body?: object } = {},
): Promise<LocalAnswer> {
  const text = body === undefined ? null : JSON.stringify(body);
  const headers = {
    ...(authorization !== undefined && { authorization }),
    ...(text !== null && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  };
  const options = { host, port, method, path, headers, timeout: timeoutMs, agent: false as const };
  return new Promise((resolve, reject) => {
    const request = isTls ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) }),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
