import { describe, expect, it } from 'vitest';
import type { CallRecordQuery } from '../domain/facts/call-record.js';
import { recordOperations } from './records.js';

/** What the store is asked for. */
async function asked(query: Record<string, string>): Promise<Partial<CallRecordQuery>> {
  let found: Partial<CallRecordQuery> = {};
  const listRecords = (wanted: CallRecordQuery) => {
    found = wanted;
    return Promise.resolve({ records: [], next: null });
  };
  const [operation] = recordOperations({ listRecords }, null);
  await operation?.run({ accountId: 'acme', params: {}, query, body: undefined });
  return found;
}

describe('Records are found', () => {
  it.each([
    ['+15551230142', 'as it is'],
    [' 15551230142', 'with a + that the query made a blank'],
    ['15551230142', 'without its +'],
    ['+1 (555) 123-0142', 'as people write it'],
    ['+********142', 'as masked records show it'],
    ['********142', 'the same without its +'],
  ])('by the caller’s number %s, %s', async (written) => {
    const { callerNumbers = [] } = await asked({ callerNumber: written });
    expect(callerNumbers).toContain('+********142');
    if (!written.includes('*'))
      expect(callerNumbers).toEqual(expect.arrayContaining(['+15551230142', '15551230142']));
  });

  it('by ids with a + that the query made a blank', async () => {
    expect(await asked({ callId: 'a b/c@host', voiceCallId: 'x y' })).toMatchObject({
      callId: 'a+b/c@host',
      voiceCallId: 'x+y',
    });
  });
});
