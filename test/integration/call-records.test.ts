/** What a whole gateway keeps of its calls. */
import { afterEach, describe, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startGateway(): Promise<TestGateway> {
  const gateway = await TestGateway.start();
  closers.push(() => gateway.stop());
  return gateway;
}

async function callIn(
  gateway: TestGateway,
  token: string,
  options: { readonly toneHz?: number } = {},
): Promise<PhoneCall> {
  const phone = await callAndConnect(gateway, token, options);
  closers.push(() => phone.close());
  return phone;
}

describe('Call detail records', () => {
  interface Page {
    readonly records: readonly Record<string, unknown>[];
    readonly next: string | null;
  }

  it('say who, when, how it ended and what was counted', async () => {
    const gateway = await startGateway();
    const sessionId = await gateway.rest.createSession('the session');
    const { id, token } = await gateway.rest.newcomer(sessionId, { fields: { tag: 'the caller' } });
    const beforeMs = performance.now();
    const phone = await callIn(gateway, token, { toneHz: 440 });
    const connectedMs = performance.now();
    const live = await gateway.rest.done<Page>('GET', '/records');
    // What an operator is told of a call: its Call-ID, its leg.
    const { callId, legId } = live.records[0] as { readonly callId: string; readonly legId: string };
    for (const query of [`callId=${encodeURIComponent(callId)}`, `legId=${legId}`]) {
      expect([query, await gateway.rest.done<Page>('GET', `/records?${query}`)]).toMatchObject([
        query,
        { records: [{ legId }] },
      ]);
    }
    for (const query of ['callId=other', 'voiceCallId=other', 'callerNumber=%2B15550000000']) {
      expect([query, await gateway.rest.done<Page>('GET', `/records?${query}`)]).toEqual([
        query,
        { records: [], next: null },
      ]);
    }
    expect(live.records).toMatchObject([{ participantId: id, endedAt: null, outcome: null }]);
    await waitFor('audio flows', () => phone.statistics.packetsReceived > 5);
    const talkedMs = performance.now() - connectedMs;
    await phone.close();
    await gateway.idle();
    const allMs = performance.now() - beforeMs;
    const { records } = await waitFor('it is measured', async () => {
      const page = await gateway.rest.done<Page>('GET', `/records?sessionId=${sessionId}`);
      return page.records[0]?.['media'] === null ? null : page;
    });
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      sessionId,
      sessionTag: 'the session',
      participantId: id,
      participantTag: 'the caller',
      door: 'sip',
      kind: 'phone',
      outcome: { endedBy: 'participant', reason: 'hangup' },
    });
    const times = ['startedAt', 'answeredAt', 'establishedAt', 'joinedAt', 'endedAt'].map((name) =>
      Date.parse(String(records[0]?.[name])),
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // From the answer to the end: longer than the caller talked, shorter than all that it did. Clocks count whole ms.
    const durationMs = Number(records[0]?.['durationMs']);
    expect(durationMs).toBeGreaterThanOrEqual(Math.floor(talkedMs) - 1);
    expect(durationMs).toBeLessThanOrEqual(Math.ceil(allMs) + 1);
    expect((records[0]?.['media'] as { packetsReceived: number }).packetsReceived).toBeGreaterThan(0);
    expect(records[0]).toMatchObject({
      media: {
        audio: {
          received: { packetsLost: 0, mosWorst: expect.toSatisfy((mos: number) => mos > 3.5) as number },
        },
      },
    });
  });

  it('come newest first, in pages, by participant and by time, and survive kill -9', async () => {
    const first = await startGateway();
    const caller = await first.rest.createParticipant();
    const other = await first.rest.createParticipant();
    for (const { token } of [caller, caller, other]) {
      const phone = await callIn(first, token);
      await phone.close();
      await first.idle();
    }
    await callIn(first, other.token);
    // Records are written a moment after the facts.
    await waitFor('the record of the call in progress', async () => {
      const { records } = await first.rest.done<Page>('GET', '/records');
      return records.length === 4 && records[0]?.['answeredAt'] !== null;
    });
    await first.kill();
    const gateway = await first.restart();
    closers.push(() => gateway.stop());
    const newest = await gateway.rest.done<Page>('GET', '/records?limit=3');
    expect(newest.records.map(({ participantId }) => participantId)).toEqual([other.id, other.id, caller.id]);
    expect(newest.records[0]).toMatchObject({
      outcome: { endedBy: 'gateway', reason: 'gateway-restarted' },
      durationMs: null,
    });
    const rest = await gateway.rest.done<Page>('GET', `/records?limit=3&after=${newest.next}`);
    expect(rest).toMatchObject({ records: [{ participantId: caller.id }], next: null });
    const mine = await gateway.rest.done<Page>('GET', `/records?participantId=${caller.id}`);
    expect(mine.records).toHaveLength(2);
    const from = String(newest.records[1]?.['startedAt']);
    const recent = await gateway.rest.done<Page>('GET', `/records?from=${encodeURIComponent(from)}`);
    expect(recent.records).toHaveLength(2);
    const earlier = await gateway.rest.done<Page>('GET', `/records?to=${encodeURIComponent(from)}`);
    expect(earlier.records).toHaveLength(2);
    expect((await gateway.rest.request('GET', '/records?from=yesterday')).status).toBe(400);
  });
});
