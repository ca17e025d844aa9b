/** Writes docs/reference/errors.md out of the table of error codes. `scripts/generate-docs.mjs` keeps it; a test compares. */
import { errorCodes } from './error-codes.js';

export function formatErrorReference(): string {
  const intro = [
    '# Errors of the HTTP API',
    '',
    '<!-- Generated from src/rest/error-codes.ts by scripts/generate-docs.mjs. -->',
    '',
    'Every error has one form, whatever answers it: REST, the hooks, an unknown path, or a request that cannot be read.',
    '',
    '```json',
    '{"error": "tag: must have at most 50 characters", "code": "invalid-request", "field": "tag", "requestId": "…"}',
    '```',
    '',
    '- `code` says what is wrong, for programs. A code keeps its meaning and its status; new ones may come.',
    '- `error` says it for people, and may change.',
    '- `field`, with `invalid-request`, names the value that is wrong: `tag`, `participants.0.participantId`,',
    '  `Idempotency-Key`. It is missing where the body as a whole is wrong.',
    '- `requestId` is in the header `X-Request-Id`, too, and in the gateway’s log.',
    '- 401 and 403 also have `message`, the same text: Bandwidth’s API has only that there.',
    '- Where waiting helps, the header `Retry-After` says how many seconds.',
    '',
    'What a phone call is refused with is another list: [the refusals](refusals.md).',
    '',
  ];
  const statuses = [...new Set(Object.values(errorCodes).map(({ status }) => status))].sort((a, b) => a - b);
  const rows = statuses.flatMap((wanted) =>
    Object.entries(errorCodes)
      .filter(([, { status }]) => status === wanted)
      .map(([code, { status, meaning }]) => `| ${status} | \`${code}\` | ${meaning} |`),
  );
  return `${[...intro, '| status | code | |', '|---|---|---|', ...rows].join('\n')}\n`;
}
