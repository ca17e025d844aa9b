/** What is wrong with a value of a request or a setting, in words for people who do not know our validator. */
import type { z } from 'zod';

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** Our schemas' own messages stay as they are; the validator's are replaced. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  if (!/^(?:Invalid|Too |Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? 'is missing'
        : `must be ${kinds[issue.expected] ?? `of the type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${bound('at least', issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${bound('at most', issue.origin, issue.maximum)}`;
    case 'invalid_union': {
      const options = 'options' in issue ? (issue.options as readonly unknown[]) : undefined;
      return options === undefined
        ? 'is none of what it may be'
        : `must be one of ${options.map(String).join(', ')}`;
    }
    case 'invalid_key':
      return 'has a name that may not be';
    default:
      return 'is not what it must be';
  }
}

function bound(words: string, origin: string, limit: number | bigint): string {
  const isOne = limit === 1 || limit === 1n;
  if (origin === 'string') return `have ${words} ${limit} ${isOne ? 'character' : 'characters'}`;
  if (origin === 'array' || origin === 'set') return `have ${words} ${limit} ${isOne ? 'entry' : 'entries'}`;
  return `be ${words} ${limit}`;
}
