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
const maxBytes = 1_000_000;

/** Rejects where there is no whole answer within five seconds, or one of more than a megabyte. */
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
  // A limit on the whole: whoever sends a byte now and then is never idle.
  const signal = AbortSignal.timeout(timeoutMs);
  const options = { host, port, method, path, headers, signal, agent: false as const };
  return new Promise((resolve, reject) => {
    const request = isTls ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
    const failed = (error: Error): void => reject(signal.aborted ? new Error('no answer in time') : error);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) response.destroy(new Error('an answer of more than a megabyte'));
        else chunks.push(chunk);
      });
      response.on('error', failed);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) }),
      );
    });
    request.on('error', failed);
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
