/** Webhooks and callbacks of a real gateway, sent to real receivers that misbehave. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { WebhookReceiver, type Behaviour, type ReceivedMessage } from '../support/webhook-receiver.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const quick = {
  LANDBRIDGE_WEBHOOKS_ALLOWED_NETWORKS: '127.0.0.1',
  // A receiver of a busy machine is not to be taken for one that never answers.
  LANDBRIDGE_WEBHOOKS_TIMEOUT_SECONDS: '10',
  LANDBRIDGE_WEBHOOKS_LONGEST_RETRY_SECONDS: '1',
};

async function startGateway(environment: Record<string, string> = {}): Promise<TestGateway> {
  const gateway = await TestGateway.start({ environment: { ...quick, ...environment } });
  closers.push(() => gateway.stop());
  return gateway;
}

async function callIn(gateway: TestGateway, token: string): Promise<PhoneCall> {
  const phone = await callAndConnect(gateway, token);
  closers.push(() => phone.close());
  return phone;
}

async function startReceiver(behaviour?: Behaviour): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start(behaviour);
  closers.push(() => receiver.close());
  return receiver;
}

let shared: TestGateway | undefined;
const startShared = () =>
  TestGateway.start({ environment: { ...quick, LANDBRIDGE_WEBHOOKS_MAX_PER_ACCOUNT: '2' } });
afterAll(() => shared?.stop());

interface CreatedWebhook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

const createWebhook = (gateway: TestGateway, fields: object): Promise<CreatedWebhook> =>
  gateway.rest.done<CreatedWebhook>('POST', '/webhooks', fields);

const types = (messages: readonly ReceivedMessage[]) => messages.map(({ json }) => json['type']);

/** Each event once taken, its tries under one id with rising numbers, and in each session in the order of its numbers. */
function expectOrdered(receiver: WebhookReceiver): void {
  const taken = new Map<string, number[]>();
  const ids = new Map<string, string>();
  for (const { id, json } of receiver.received) {
    expect(json['id']).toBe(id);
    const key = `${String(json['sessionId'] ?? json['participantId'])}#${String(json['sequence'])}`;
    expect(ids.get(key) ?? id).toBe(id);
    ids.set(key, id);
  }
  const seen = new Set<string>();
  for (const { id, json } of receiver.taken) {
    if (json['sessionId'] === null || seen.has(id)) continue;
    seen.add(id);
    const session = String(json['sessionId']);
    const numbers = taken.get(session) ?? [];
    numbers.push(Number(json['sequence']));
    taken.set(session, numbers);
  }
  for (const numbers of taken.values()) expect(numbers).toEqual(numbers.map((_, index) => index + 1));
}

/** A session that was made, filled and deleted: five events of its own. */
async function sessionLife(gateway: TestGateway): Promise<string> {
  const sessionId = await gateway.rest.createSession('a session');
  const { id } = await gateway.rest.newcomer(sessionId);
  await gateway.rest.done('PUT', `/sessions/${sessionId}/participants/${id}/subscriptions`, { sessionId });
  await gateway.rest.done('DELETE', `/sessions/${sessionId}/participants/${id}`);
  await gateway.rest.done('DELETE', `/sessions/${sessionId}`);
  return sessionId;
}

const ofSession = (messages: readonly ReceivedMessage[], sessionId: string) =>
  messages.filter(({ json }) => json['sessionId'] === sessionId);

const lifeTypes = [
  'session.created',
  'participant.added',
  'subscriptions.updated',
  'participant.removed',
  'session.deleted',
];

describe('A webhook', () => {
  it('is told of every event of a call, in order, each signed', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    const { secret } = await createWebhook(gateway, { url: receiver.url });
    const sessionId = await gateway.rest.createSession();
    const { token } = await gateway.rest.newcomer(sessionId, { fields: { tag: 'caller' } });
    const phone = await callIn(gateway, token);
    await receiver.waitFor('joined', ({ taken }) => types(taken).includes('participant.joined'));
    await phone.close();
    await receiver.waitFor('ended', ({ taken }) => types(taken).includes('call.ended'));
    expect(types(ofSession(receiver.received, sessionId))).toEqual([
      'session.created',
      'participant.added',
      'call.arrived',
      'call.answered',
      'call.established',
      'participant.joined',
      'stream.published',
      'stream.unpublished',
      'participant.left',
      'call.ended',
    ]);
    for (const { headers, body, json, attempt } of receiver.received) {
      const [, t = '', v1 = ''] =
        /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['landbridge-signature'])) ?? [];
      const expected = createHmac('sha256', secret).update(`${t}.${body}`).digest();
      expect(timingSafeEqual(expected, Buffer.from(v1, 'hex'))).toBe(true);
      expect(Math.abs(Date.now() / 1000 - Number(t))).toBeLessThan(30);
      expect(headers['content-type']).toBe('application/json');
      expect(json['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(body).not.toContain(token);
      expect(attempt).toBe(1);
    }
    expectOrdered(receiver);
  });

  it('is told only of the types that it asked for', async () => {
    const gateway = await startGateway();
    const [picky, all] = [await startReceiver(), await startReceiver()];
    await createWebhook(gateway, { url: picky.url, events: ['session.deleted'] });
    await createWebhook(gateway, { url: all.url });
    const sessionId = await sessionLife(gateway);
    await all.waitFor('all', ({ taken }) => ofSession(taken, sessionId).length === 5);
    await picky.waitFor('its own', ({ taken }) => taken.length === 1);
    expect(types(picky.received)).toEqual(['session.deleted']);
  });

  it('shows its secret once, is listed without it, and is told nothing more once it is deleted', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    const { id, secret } = await createWebhook(gateway, { url: receiver.url });
    expect(secret.length).toBeGreaterThanOrEqual(40);
    const listed = await gateway.rest.request('GET', '/webhooks');
    expect(listed.body).toEqual([{ id, url: receiver.url, createdAt: expect.any(String) as string }]);
    expect((await gateway.rest.request('DELETE', `/webhooks/${id}`)).status).toBe(204);
    expect((await gateway.rest.request('DELETE', `/webhooks/${id}`)).status).toBe(404);
    await sessionLife(gateway);
    const other = await startReceiver();
    await createWebhook(gateway, { url: other.url });
    await sessionLife(gateway);
    await other.waitFor('the other', ({ taken }) => taken.length >= 5);
    expect(receiver.received).toEqual([]);
    expect(JSON.stringify(gateway.log)).not.toContain(secret);
  });

  it.each<[string, Behaviour]>([
    ['answers 500', 500],
    ['answers 404', 404],
    ['cuts the connection', 'reset'],
    ['never answers', 'hang'],
  ])('that %s for a while loses nothing, gets nothing twice and keeps nobody waiting', async (_, bad) => {
    const gateway = await startGateway(bad === 'hang' ? { LANDBRIDGE_WEBHOOKS_TIMEOUT_SECONDS: '2' } : {});
    const [broken, sound] = [await startReceiver(bad), await startReceiver()];
    await createWebhook(gateway, { url: broken.url });
    await createWebhook(gateway, { url: sound.url });
    const sessions = [await sessionLife(gateway), await sessionLife(gateway), await sessionLife(gateway)];
    const complete = (receiver: WebhookReceiver) =>
      sessions.every((id) => ofSession(receiver.taken, id).length === 5);
    // Each try of one after the other would take longer.
    await sound.waitFor('the sound one has all', complete, 20_000);
    await broken.waitFor('a second try', ({ received }) => received.some(({ attempt }) => attempt === 2));
    expect(broken.taken).toEqual([]);
    broken.behaviour = () => 200;
    await broken.waitFor('the broken one has all', complete);
    for (const id of sessions) {
      expect(types(ofSession(broken.taken, id))).toEqual(lifeTypes);
      expect(types(ofSession(sound.received, id))).toEqual(lifeTypes);
    }
    expectOrdered(broken);
    const metrics = await gateway.metrics();
    expect(metrics.get('landbridge_webhook_messages_total{result="failed"}')).toBeGreaterThanOrEqual(2);
    expect(metrics.get('landbridge_outbox_messages')).toBe(0);
  });

  it('that fails for one session only holds back that session alone', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    await createWebhook(gateway, { url: receiver.url });
    const held = await gateway.rest.createSession('held');
    await receiver.waitFor('the first', ({ taken }) => taken.length === 1);
    receiver.behaviour = ({ json }) => (json['sessionId'] === held ? 503 : 200);
    await gateway.rest.newcomer(held);
    const free = await sessionLife(gateway);
    await receiver.waitFor('the free one', ({ taken }) => ofSession(taken, free).length === 5);
    await gateway.rest.done('DELETE', `/sessions/${held}`);
    await receiver.waitFor('retries', ({ received }) => received.some(({ attempt }) => attempt === 3));
    expect(types(ofSession(receiver.taken, held))).toEqual(['session.created']);
    receiver.behaviour = () => 200;
    await receiver.waitFor('the rest', ({ taken }) => ofSession(taken, held).length === 3);
    expectOrdered(receiver);
  });

  it('that is gone and comes back gets everything', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    await createWebhook(gateway, { url: receiver.url });
    await sessionLife(gateway);
    await receiver.waitFor('the first', ({ taken }) => taken.length >= 6);
    await receiver.die();
    const sessionId = await sessionLife(gateway);
    await waitFor(
      'a try failed',
      async () =>
        ((await gateway.metrics()).get('landbridge_webhook_messages_total{result="failed"}') ?? 0) > 0,
    );
    await receiver.listen();
    await receiver.waitFor('the rest', ({ taken }) => ofSession(taken, sessionId).length === 5);
    expectOrdered(receiver);
  });

  it('that redirects to the gateway itself is not followed', async () => {
    const gateway = await startGateway();
    const victim = await startReceiver();
    const receiver = await startReceiver({ redirect: victim.url });
    await createWebhook(gateway, { url: receiver.url });
    await gateway.rest.createSession();
    await receiver.waitFor('two tries', ({ received }) => received.length >= 2);
    expect(victim.received).toEqual([]);
    receiver.behaviour = () => 200;
    await receiver.waitFor('taken', ({ taken }) => taken.length === 1);
  });

  it('whose first URL fails is told at its fallback', async () => {
    const gateway = await startGateway({ LANDBRIDGE_WEBHOOKS_FAILURES_BEFORE_FALLBACK: '2' });
    const [first, fallback] = [await startReceiver(500), await startReceiver()];
    await createWebhook(gateway, { url: first.url, fallbackUrl: fallback.url });
    const sessionId = await sessionLife(gateway);
    await fallback.waitFor('all', ({ taken }) => ofSession(taken, sessionId).length === 5);
    expect(types(ofSession(fallback.taken, sessionId))).toEqual(lifeTypes);
    expect(first.received).toHaveLength(2);
  });
});

describe('A gateway killed with undelivered events', () => {
  it('delivers them after its restart, with the same ids, in order, and numbers what follows from there', async () => {
    const receiver = await startReceiver(500);
    const first = await startGateway();
    await createWebhook(first, { url: receiver.url });
    const sessionId = await first.rest.createSession('survivor');
    const { id, token } = await first.rest.newcomer(sessionId);
    await callIn(first, token);
    await receiver.waitFor('a try', ({ received }) => ofSession(received, sessionId).length > 0);
    const [tried] = ofSession(receiver.received, sessionId);
    await first.rest.done('PUT', `/sessions/${sessionId}/participants/${id}/subscriptions`, { sessionId });
    // Acknowledged a moment ago: it must not be lost.
    await first.kill();
    receiver.behaviour = () => 200;
    const second = await first.restart();
    closers.push(() => second.stop());
    await receiver.waitFor('the end of the call', ({ taken }) => types(taken).includes('call.ended'));
    await second.rest.done('DELETE', `/sessions/${sessionId}`);
    await receiver.waitFor('the last', ({ taken }) => types(taken).includes('session.deleted'));
    const taken = ofSession(receiver.taken, sessionId);
    expect(types(taken)).toEqual([
      'session.created',
      'participant.added',
      'call.arrived',
      'call.answered',
      'call.established',
      'participant.joined',
      'stream.published',
      'subscriptions.updated',
      'participant.left',
      'call.ended',
      'session.deleted',
    ]);
    expect(taken[0]?.id).toBe(tried?.id);
    expect(taken[0]?.attempt).toBeGreaterThan(tried?.attempt ?? 0);
    expect(taken.find(({ json }) => json['type'] === 'call.ended')?.json['data']).toMatchObject({
      outcome: { endedBy: 'gateway', reason: 'gateway-restarted' },
      durationMs: null,
    });
    expectOrdered(receiver);
  });
});

describe('A gateway killed in the middle of its work', () => {
  it('loses no event of a request that was acknowledged, and none comes under two ids', async () => {
    const receiver = await startReceiver(503);
    const first = await startGateway();
    await createWebhook(first, { url: receiver.url });
    const acknowledged: string[] = [];
    let isAlive = true;
    const client = async () => {
      while (isAlive) {
        try {
          acknowledged.push(await first.rest.createSession('x'));
        } catch {
          return;
        }
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await waitFor('enough was acknowledged', () => acknowledged.length > 200);
    await first.kill();
    isAlive = false;
    await Promise.all(clients);
    const second = await first.restart();
    closers.push(() => second.stop());
    const told = () => new Set(receiver.taken.map(({ json }) => json['sessionId']));
    receiver.behaviour = () => 200;
    await receiver.waitFor('all', () => acknowledged.every((id) => told().has(id)));
    expectOrdered(receiver);
  });
});

describe('A participant’s callback URL', () => {
  it('is told of connecting and leaving as Bandwidth tells it', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    const { id, token } = await gateway.rest.createParticipant({ callbackUrl: receiver.url, tag: 'mine' });
    const phone = await callIn(gateway, token);
    await receiver.waitFor('onConnect', ({ taken }) => taken.length === 1);
    const [leg] = await gateway.rest.legs();
    await phone.close();
    await receiver.waitFor('onLeave', ({ taken }) => taken.length === 2);
    expect(receiver.received.map(({ json }) => json)).toEqual(
      ['onConnect', 'onLeave'].map((event) => ({
        event,
        timestamp: expect.stringMatching(/^\d{13}$/) as string,
        participantId: id,
        deviceId: leg?.id,
        tag: 'mine',
      })),
    );
    expect(receiver.received[0]?.headers['landbridge-signature']).toBeUndefined();
  });

  it('is told that the participant left when it is deleted, and of a lost connection at a restart', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    const one = await gateway.rest.createParticipant({ callbackUrl: receiver.url });
    const phone = await callIn(gateway, one.token);
    await gateway.rest.done('DELETE', `/participants/${one.id}`);
    await phone.close();
    await receiver.waitFor('onLeave', ({ taken }) => taken.length === 2);
    expect(receiver.taken.map(({ json }) => json['event'])).toEqual(['onConnect', 'onLeave']);

    const two = await gateway.rest.createParticipant({ callbackUrl: receiver.url });
    await callIn(gateway, two.token);
    await receiver.waitFor('onConnect', ({ taken }) => taken.length === 3);
    await gateway.kill();
    const second = await gateway.restart();
    closers.push(() => second.stop());
    // What was told a moment before the end may be told once more.
    await receiver.waitFor('onDisconnect', ({ taken }) => taken.at(-1)?.json['event'] === 'onDisconnect');
    expect(receiver.taken.at(-1)?.json).toMatchObject({ event: 'onDisconnect', participantId: two.id });
  });
});

describe('The callbacks of a Bandwidth device', () => {
  it('name the device, when it connects, is lost and leaves', async () => {
    const gateway = await startGateway();
    const receiver = await startReceiver();
    const { id, token } = await gateway.rest.createParticipant({ callbackUrl: receiver.url });
    const connect = async () => {
      const query = new URLSearchParams({ token, client: 'browser', uniqueId: 'device-1' });
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/v3/?${query.toString()}`);
      closers.push(() => Promise.resolve(socket.terminate()));
      await once(socket, 'open');
      return socket;
    };
    const told = () => receiver.taken.map(({ json }) => json['event']);
    const socket = await connect();
    await receiver.waitFor('onConnect', () => told().length === 1);
    socket.terminate();
    await receiver.waitFor('onDisconnect', () => told().length === 2);
    await connect();
    await receiver.waitFor('onConnect again', () => told().length === 3);
    await gateway.rest.done('DELETE', `/participants/${id}`);
    await receiver.waitFor('onLeave', () => told().includes('onLeave'));
    expect(told().slice(0, 3)).toEqual(['onConnect', 'onDisconnect', 'onConnect']);
    for (const { json } of receiver.taken)
      expect(json).toMatchObject({ participantId: id, deviceId: 'device-1' });
  });
});

describe('Requests for webhooks', () => {
  it.each([
    ['no body', undefined, 400],
    ['no URL', {}, 400],
    ['a URL that is none', { url: 'somewhere' }, 400],
    ['another scheme', { url: 'ftp://example.com/' }, 400],
    ['an unknown event', { url: 'https://example.com/', events: ['call.imagined'] }, 400],
    [
      'a misspelt field, which would mean every event',
      { url: 'https://example.com/', eventTypes: ['call.ended'] },
      400,
    ],
    ['a short secret', { url: 'https://example.com/', secret: 'short' }, 400],
    ['a private fallback', { url: 'https://example.com/', fallbackUrl: 'http://10.0.0.1/' }, 400],
    ['a very long URL', { url: `https://example.com/${'x'.repeat(3000)}` }, 400],
  ])('with %s are refused', async (_, body, status) => {
    shared ??= await startShared();
    expect((await shared.rest.request('POST', '/webhooks', body)).status).toBe(status);
  });

  it('beyond the limit are refused', async () => {
    shared ??= await startShared();
    const answers: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      answers.push((await shared.rest.request('POST', '/webhooks', { url: 'https://example.com/' })).status);
    }
    expect(answers).toEqual([201, 201, 409]);
    expect((await shared.rest.request('DELETE', '/webhooks/nonsense')).status).toBe(400);
  });
});

describe('Private addresses', () => {
  it('are refused for webhooks and never called for callbacks, unless the configuration allows them', async () => {
    const gateway = await startGateway({ LANDBRIDGE_WEBHOOKS_ALLOWED_NETWORKS: '' });
    const receiver = await startReceiver();
    const { port } = receiver;
    for (const host of ['127.0.0.1', '2130706433', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '10.1.2.3']) {
      const answer = await gateway.rest.request('POST', '/webhooks', { url: `http://${host}:${port}/` });
      expect([host, answer.status]).toEqual([host, 400]);
      expect((answer.body as { error: string }).error).toContain('webhooks.allowedNetworks');
    }
    // A name may lead anywhere, so it is looked at when it is called.
    await createWebhook(gateway, { url: `http://localhost:${port}/` });
    const { token } = await gateway.rest.createParticipant({ callbackUrl: receiver.url });
    await callIn(gateway, token);
    await waitFor('both were refused', async () => {
      const lines = gateway.log.filter(({ msg }) => msg === 'a webhook receiver fails');
      return lines.length >= 2 && lines.every(({ failure }) => failure === 'address-not-allowed');
    });
    expect(receiver.received).toEqual([]);
  });
});
