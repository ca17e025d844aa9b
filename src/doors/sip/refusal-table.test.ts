/** Holds docs/reference/refusals.md to the domain's codes and to what the SIP door answers with. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EndReason } from '../../domain/outcome.js';
import type { RefusalCode } from '../../domain/refusal.js';
import { byeHeaders, refusalResponse, unansweredStatus } from './refusal-response.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/reference/refusals.md');

/** The codes as the domain declares them: the type alone is gone when a test runs. */
const codes = [...read('src/domain/refusal.ts').matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(
  ([, code]) => code as RefusalCode,
);

/** The cells of a section's table, without its two head lines. */
function rowsOf(title: string): string[][] {
  const [, section = ''] = page.split(`\n## ${title}\n`);
  const [own = ''] = section.split('\n## ');
  const lines = own.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const cells = line.split('|').slice(1, -1);
    return cells.map((cell) => cell.trim().replaceAll('`', ''));
  });
}

describe('The page of refusals', () => {
  const rows = rowsOf('Why somebody is not admitted');

  it('has a row for every code of the domain, and no others', () => {
    expect(codes.length).toBeGreaterThan(10);
    expect(new Set(rows.map(([, , code]) => code))).toEqual(new Set(codes));
  });

  it.each(rows)('says what SIP answers with: %s (%s %s)', (_case, status, code, retryAfter) => {
    const response = refusalResponse(code as RefusalCode, 10);
    expect(String(response.status)).toBe(status);
    expect('Retry-After' in response.headers ? 'yes' : 'no').toBe(retryAfter);
  });

  it('has every reason text of malformed requests that the door gives, with its status', () => {
    const files = [
      'request-guard.ts',
      'session-body.ts',
      'session-timer.ts',
      'replaces-header.ts',
      'incoming-call.ts',
    ];
    const sources = files.map((file) => read(`src/doors/sip/${file}`));
    const given = sources.flatMap((source) =>
      [...source.matchAll(/status: (\d{3}), reason: '([a-z-]+)'/g)].map(([, status, text]) => [status, text]),
    );
    const listed = rowsOf('Requests that are wrong in their form').map(([, status, text]) => [status, text]);
    expect(given.length).toBeGreaterThan(5);
    const sorted = (pairs: (string | undefined)[][]) => [...new Set(pairs.map(String))].sort();
    expect(sorted(listed)).toEqual(sorted(given));
  });

  it('says how a call ends that was not answered, and what a BYE gives as its cause', () => {
    const statuses = rowsOf('A call that the gateway ends before it is answered').map(([, status]) => status);
    const reasons: EndReason[] = ['participant-deleted', 'media-lost', 'session-deleted'];
    expect(statuses).toEqual(reasons.map((reason) => String(unansweredStatus(reason))));
    expect(unansweredStatus('gateway-stopping')).toBe(unansweredStatus('media-lost'));
    const causes = {
      'pin-refused': 21,
      'media-timeout': 38,
      'ice-failed': 38,
      'media-lost': 41,
      'gateway-stopping': 41,
      'gateway-restarted': 41,
      hangup: 16,
    } satisfies Partial<Record<EndReason, number>>;
    for (const [reason, cause] of Object.entries(causes)) {
      const headers = byeHeaders({ endedBy: 'gateway', reason: reason as EndReason });
      expect(headers['Reason']).toContain(`Q.850;cause=${cause};`);
    }
  });
});
