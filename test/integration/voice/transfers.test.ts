import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { XMLParser } from 'fast-xml-parser';
import { callGateway } from '../../support/gateway-phone.js';
import { TestGateway } from '../../support/start-gateway.js';

interface Open {
  readonly id: string;
  readonly token: string;
  readonly joinCode: string;
  readonly sipUri: string;
  readonly state: string;
  readonly participantId: string;
  readonly participant: {
    readonly id: string;
    readonly publishPermissions: string[];
    readonly sessions: string[];
  };
  readonly instructions: Record<string, { contentType: string; body: string }>;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
});
afterAll(() => gateway.stop());

it('answers with an audio-only participant in the session and every platform’s instructions', async () => {
  const sessionId = await gateway.rest.createSession();
  const open = await gateway.rest.done<Open>('POST', '/transfers', { sessionId, tag: 'caller' });
  expect(open.state).toBe('requested');
  expect(open.participant).toMatchObject({ publishPermissions: ['AUDIO'], sessions: [sessionId] });
  expect(Object.keys(open.instructions)).toEqual([
    ...['bandwidth', 'twilio', 'signalwire', 'telnyx', 'telnyx-call-control', 'vonage', 'plivo', 'jambonz'],
    ...['asterisk', 'freeswitch'],
  ]);
  for (const { contentType, body } of Object.values(open.instructions)) {
    if (contentType === 'application/json') expect(() => JSON.parse(body) as unknown).not.toThrow();
    if (contentType === 'application/xml') expect(new XMLParser().parse(body)).toBeTypeOf('object');
  }
});

it('follows the call from its request to its end, with the platform’s id of the call throughout', async () => {
  const events = await gateway.follow();
  const sessionId = await gateway.rest.createSession();
  const open = await gateway.rest.done<Open>('POST', '/transfers', {
    sessionId,
    tag: 'caller',
    voiceCallId: 'CA1234',
    platform: 'twilio',
  });
  expect(Object.keys(open.instructions)).toEqual(['twilio']);
  const call = await callGateway(gateway, open.token);
  await events.wait('transfer.joined', ({ data }) => data.transferId === open.id);
  expect(await gateway.rest.done<Open>('GET', `/transfers/${open.id}`)).toMatchObject({
    state: 'joined',
    voiceCallId: 'CA1234',
  });
  await call.hangUp();
  await events.wait('transfer.completed', ({ data }) => data.transferId === open.id);
  const seen = events.seen.filter((event) => event.type.startsWith('transfer.'));
  expect(seen.map(({ type }) => type)).toEqual([
    ...['transfer.requested', 'transfer.arrived', 'transfer.answered', 'transfer.joined', 'transfer.left'],
    'transfer.completed',
  ]);
  for (const event of seen) {
    expect(event).toMatchObject({
      sessionId,
      tag: 'caller',
      data: { platform: 'twilio', voiceCallId: 'CA1234' },
    });
  }
  await events.close();
});

it('makes one participant of many requests with the same Idempotency-Key, at once and later', async () => {
  const sessionId = await gateway.rest.createSession();
  const request = () =>
    fetch(`${gateway.rest.base}/transfers`, {
      method: 'POST',
      headers: { ...gateway.rest.headers, 'content-type': 'application/json', 'idempotency-key': 'once-1' },
      body: JSON.stringify({ sessionId, voiceCallId: 'x' }),
    }).then((response) => response.json() as Promise<Open>);
  const answers = await Promise.all(Array.from({ length: 8 }, request));
  answers.push(await request());
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toHaveLength(1);
  const other = await gateway.rest.request('POST', '/transfers', {
    sessionId,
    voiceCallId: 'another',
    idempotencyKey: 'once-1',
  });
  expect(other.status).toBe(409);
});

it('survives a restart: the same key gets the same answer', async () => {
  const sessionId = await gateway.rest.createSession();
  const body = { sessionId, idempotencyKey: 'over-restart' };
  const before = await gateway.rest.done<Open>('POST', '/transfers', body);
  await gateway.kill();
  gateway = await gateway.restart();
  const after = await gateway.rest.done<Open>('POST', '/transfers', body);
  expect({ ...after, instructions: 0, sipUri: 0 }).toEqual({ ...before, instructions: 0, sipUri: 0 });
});

it('learns after a restart that its call has ended with the life before', async () => {
  const sessionId = await gateway.rest.createSession();
  const open = await gateway.rest.done<Open>('POST', '/transfers', { sessionId });
  const events = await gateway.follow();
  const call = await callGateway(gateway, open.token);
  await events.wait('transfer.joined', ({ data }) => data.transferId === open.id);
  await events.close();
  await gateway.kill();
  gateway = await gateway.restart();
  const after = await gateway.follow({ after: randomUUID() });
  const completed = await after.wait('transfer.completed', ({ data }) => data.transferId === open.id);
  expect(completed.data).toMatchObject({ cause: 'gateway-restarted' });
  const { body } = await gateway.rest.request('GET', `/transfers/${open.id}`);
  expect(body).toMatchObject({ state: 'completed' });
  await call.close();
  await after.close();
});

it('ends the call and deletes the participant of a transfer that is canceled', async () => {
  const events = await gateway.follow();
  const sessionId = await gateway.rest.createSession();
  const open = await gateway.rest.done<Open>('POST', '/transfers', { sessionId });
  const call = await callGateway(gateway, open.token);
  await events.wait('transfer.joined', ({ data }) => data.transferId === open.id);
  await gateway.rest.done('DELETE', `/transfers/${open.id}`);
  await call.ended;
  await events.wait('transfer.canceled', ({ data }) => data.transferId === open.id);
  expect((await gateway.rest.request('GET', `/participants/${open.participantId}`)).status).toBe(404);
  expect(
    (await gateway.rest.request('DELETE', '/transfers/00000000-0000-4000-8000-000000000000')).status,
  ).toBe(404);
  await events.close();
});
