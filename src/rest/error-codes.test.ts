import { readdirSync, readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { DomainError, type DomainErrorCode } from '../domain/domain-error.js';
import { errorCodes, statusOf, type ErrorCode } from './error-codes.js';
import { formatErrorReference } from './error-reference.js';
import { describeError, InvalidRequest, RestError } from './rest-error.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const codes = Object.keys(errorCodes) as ErrorCode[];
const requestId = 'b9b9b9b9-0000-4000-8000-000000000000';

/** The codes as src/domain declares them: the type alone is gone when a test runs. */
const domainCodes = [...read('src/domain/domain-error.ts').matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(
  ([, code]) => code as DomainErrorCode,
);

describe('The table of error codes', () => {
  it('has a row for every code of the domain, and a status that HTTP knows for every code', () => {
    expect(domainCodes.length).toBeGreaterThan(40);
    for (const code of domainCodes) expect(codes).toContain(code);
    for (const code of codes) {
      expect(statusOf(code), code).toBeGreaterThanOrEqual(400);
      expect(STATUS_CODES, code).toHaveProperty(String(statusOf(code)));
    }
  });

  it('has no code that nothing answers', () => {
    const tables = ['rest/error-codes.ts', 'domain/domain-error.ts'];
    const product = readdirSync(new URL('../', import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .filter((file) => !tables.includes(file.replaceAll('\\', '/')))
      .map((file) => read(`src/${file}`))
      .join();
    expect(codes.filter((code) => !product.includes(`'${code}'`))).toEqual([]);
  });

  it('is what docs/reference/errors.md says', () => {
    const isSame = read('docs/reference/errors.md') === formatErrorReference();
    expect(isSame, 'run `node scripts/generate-docs.mjs`').toBe(true);
  });
});

describe('An error as HTTP shows it', () => {
  it.each(codes)('has code, text and request id in one form: %s', (code) => {
    const { status, body } = describeError(new RestError(code, 'why'), requestId);
    expect(status).toBe(statusOf(code));
    const isBandwidths = status === 401 || status === 403;
    expect(body).toEqual({ error: 'why', code, requestId, ...(isBandwidths ? { message: 'why' } : {}) });
  });

  it.each(domainCodes)('has the domain’s code and text: %s', (code) => {
    const answer = describeError(new DomainError(code, 'why'), requestId);
    expect(answer.status).toBe(statusOf(code));
    expect(answer.body).toEqual({ error: 'why', code, requestId });
  });

  it('names the value that is wrong', () => {
    expect(describeError(new InvalidRequest('tag', 'is too long'), requestId).body).toEqual({
      ...{ error: 'tag: is too long', code: 'invalid-request', field: 'tag', requestId },
    });
    expect(describeError(new InvalidRequest(null, 'is no object'), requestId).body).not.toHaveProperty(
      'field',
    );
  });

  it.each([
    [400, 'unreadable-request'],
    [404, 'route-not-found'],
    [413, 'body-too-large'],
    [414, 'path-too-long'],
    [415, 'unsupported-media-type'],
    [418, 'unreadable-request'],
    [500, 'internal-error'],
  ])('has a code also where the framework refuses with %s', (statusCode, code) => {
    const { status, body } = describeError(Object.assign(new Error('secret'), { statusCode }), requestId);
    expect(body.code).toBe(code);
    expect(status).toBe(statusOf(body.code));
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('tells nothing of a fault of ours', () => {
    for (const fault of [new Error('secret'), 'secret', undefined]) {
      expect(describeError(fault, requestId)).toEqual({
        status: 500,
        headers: {},
        body: { error: 'Internal server error', code: 'internal-error', requestId },
      });
    }
  });
});
