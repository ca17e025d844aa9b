/** Who hears whom, by tone: phones in one session of the whole gateway, under the subscriptions that make each topology. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import type { EventFollower } from '../support/events.js';
import { callGateway } from '../support/gateway-phone.js';
import {
  firstHeardMs,
  heardSoFarMs,
  lastHeardMs,
  phoneHears,
  phoneHearsNot,
} from '../support/phone-hearing.js';
import { TestGateway } from '../support/start-gateway.js';

interface Phone {
  readonly participantId: string;
  readonly toneHz: number;
  readonly call: PhoneCall;
}

let gateway: TestGateway;
let events: EventFollower;
let sessionId: string;
const phones: Phone[] = [];
/** A delay that a person takes for none. Promised are 100 ms, but a busy machine may need longer; `npm run bench` measures delays. */
const atOnceMs = 500;
/** No multiple of one is near another: G.711 adds harmonics. */
const tonesHz = [440, 610, 930, 1490];

beforeAll(async () => {
  gateway = await TestGateway.start();
  events = await gateway.follow();
});
beforeEach(async () => {
  sessionId = await gateway.rest.createSession();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map(({ call }) => call.close()));
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

/** A phone in the session that sounds a tone of its own and receives nothing yet. */
async function phone(fields: object = {}, inSession = true): Promise<Phone> {
  const { id, token } = await gateway.rest.createParticipant(fields);
  if (inSession) await gateway.rest.addToSession(sessionId, id, {});
  const toneHz = tonesHz[phones.length] ?? 0;
  const one = { participantId: id, toneHz, call: await callGateway(gateway, token, { toneHz }) };
  phones.push(one);
  return one;
}

async function several(count: number): Promise<Phone[]> {
  const all: Phone[] = [];
  for (let i = 0; i < count; i += 1) all.push(await phone());
  return all;
}

function subscribe(listener: Phone, subscriptions: object): Promise<void> {
  const path = `/sessions/${sessionId}/participants/${listener.participantId}/subscriptions`;
  return gateway.rest.done('PUT', path, subscriptions);
}

const to = (...speakers: Phone[]) => ({
  participants: speakers.map(({ participantId }) => ({ participantId })),
});

/** Each listener hears exactly these of all phones. */
async function expectHearing(expected: ReadonlyMap<Phone, readonly Phone[]>): Promise<void> {
  for (const [listener, speakers] of expected) {
    for (const speaker of speakers) await phoneHears(listener, speaker.toneHz);
  }
  for (const [listener, speakers] of expected) {
    for (const other of phones) if (!speakers.includes(other)) await phoneHearsNot(listener, other.toneHz);
  }
  // What was there at first is there still, after the last silence was seen.
  for (const [listener, speakers] of expected) {
    for (const speaker of speakers) await phoneHears(listener, speaker.toneHz);
  }
}

const moderate = (speaker: Phone, what: 'mute' | 'unmute', stream = 'microphone') =>
  gateway.rest.done(
    'POST',
    `/sessions/${sessionId}/participants/${speaker.participantId}/streams/${stream}/${what}`,
  );

describe('a topology of phones', () => {
  it('conference: everybody hears everybody else, later joiners too', async () => {
    const [a, b] = (await several(2)) as [Phone, Phone];
    await subscribe(a, { sessionId });
    await subscribe(b, { sessionId, participants: [] });
    const c = await phone();
    await subscribe(c, { sessionId });
    await expectHearing(
      new Map([
        [a, [b, c]],
        [b, [a, c]],
        [c, [a, b]],
      ]),
    );
  });

  it('whisper, then barge, then listen-only: the manager reaches the agent, the caller, and nobody', async () => {
    const [caller, agent, manager] = (await several(3)) as [Phone, Phone, Phone];
    await subscribe(manager, { sessionId });
    await subscribe(agent, { sessionId });
    await subscribe(caller, to(agent));
    await expectHearing(
      new Map([
        [caller, [agent]],
        [agent, [caller, manager]],
        [manager, [caller, agent]],
      ]),
    );
    await subscribe(caller, { sessionId });
    await expectHearing(new Map([[caller, [agent, manager]]]));
    await Promise.all([subscribe(caller, to(agent)), subscribe(agent, to(caller))]);
    await expectHearing(
      new Map([
        [caller, [agent]],
        [agent, [caller]],
        [manager, [caller, agent]],
      ]),
    );
  });

  it('private pairs inside one session', async () => {
    const [a, b, c, d] = (await several(4)) as [Phone, Phone, Phone, Phone];
    await Promise.all([subscribe(a, to(b)), subscribe(b, to(a)), subscribe(c, to(d)), subscribe(d, to(c))]);
    await expectHearing(
      new Map([
        [a, [b]],
        [b, [a]],
        [c, [d]],
        [d, [c]],
      ]),
    );
  });

  it('somebody who is not there yet is heard when he comes, and an alias nobody publishes is not', async () => {
    const { id, token } = await gateway.rest.newcomer(sessionId, { subscriptions: {} });
    const [a, b] = (await several(2)) as [Phone, Phone];
    await subscribe(a, { participants: [{ participantId: id, streamAliases: ['microphone'] }] });
    await subscribe(b, { participants: [{ participantId: id, streamAliases: ['camera'] }] });
    const late: Phone = {
      participantId: id,
      toneHz: 2010,
      call: await callGateway(gateway, token, { toneHz: 2010 }),
    };
    phones.push(late);
    await expectHearing(
      new Map([
        [a, [late]],
        [b, []],
      ]),
    );
  });
});

describe('a change of subscriptions', () => {
  it('is heard by a phone at once, both ways', async () => {
    const [listener, speaker, other] = (await several(3)) as [Phone, Phone, Phone];
    await subscribe(listener, to(other));
    await phoneHears(listener, other.toneHz);
    const beginning = firstHeardMs(listener, speaker.toneHz);
    await subscribe(listener, to(other, speaker));
    let answeredMs = await heardSoFarMs(listener);
    expect((await beginning) - answeredMs).toBeLessThan(atOnceMs);
    await phoneHears(listener, speaker.toneHz);
    await subscribe(listener, to(other));
    answeredMs = await heardSoFarMs(listener);
    expect((await lastHeardMs(listener, speaker.toneHz)) - answeredMs).toBeLessThan(atOnceMs);
    await phoneHears(listener, other.toneHz);
  });
});

describe('moderation', () => {
  it('a muted phone is heard by nobody, hears on, and stays muted when it calls again', async () => {
    const [a, b, c] = (await several(3)) as [Phone, Phone, Phone];
    for (const one of [a, b, c]) await subscribe(one, { sessionId });
    await phoneHears(b, a.toneHz);
    const answered = moderate(a, 'mute').then(() => heardSoFarMs(b));
    expect((await lastHeardMs(b, a.toneHz)) - (await answered)).toBeLessThan(atOnceMs);
    await expectHearing(
      new Map([
        [a, [b, c]],
        [b, [c]],
        [c, [b]],
      ]),
    );
    const [stream] = (
      await gateway.rest.done<{ id: string; participantId: string; muted: boolean; receivers: string[] }[]>(
        'GET',
        `/sessions/${sessionId}/streams`,
      )
    ).filter(({ participantId }) => participantId === a.participantId);
    expect(stream).toMatchObject({ alias: 'microphone', muted: true, receivers: [], legKind: 'phone' });
    expect(await events.wait('stream.muted', (one) => one.participantId === a.participantId)).toMatchObject({
      sessionId,
      data: { alias: 'microphone', streamId: stream?.id },
    });

    // What is published anew under the alias is muted too.
    for (const publishPermissions of [[], ['AUDIO']]) {
      await gateway.rest.done('PATCH', `/participants/${a.participantId}`, { publishPermissions });
    }
    await events.wait(
      'stream.published',
      ({ participantId, data }) => participantId === a.participantId && data.streamId !== stream?.id,
    );
    await expectHearing(new Map([[b, [c]]]));
    await moderate(a, 'unmute');
    await expectHearing(
      new Map([
        [b, [a, c]],
        [c, [a, b]],
      ]),
    );
  });

  it('taking the permission to publish silences a phone at once, and giving it back lets it talk', async () => {
    const [a, b, c] = (await several(3)) as [Phone, Phone, Phone];
    for (const one of [a, b, c]) await subscribe(one, { sessionId });
    await phoneHears(b, a.toneHz);
    const path = `/participants/${a.participantId}`;
    await gateway.rest.done('PATCH', path, { publishPermissions: ['VIDEO'] });
    const answeredMs = await heardSoFarMs(b);
    expect((await lastHeardMs(b, a.toneHz)) - answeredMs).toBeLessThan(atOnceMs);
    await expectHearing(
      new Map([
        [a, [b, c]],
        [b, [c]],
      ]),
    );
    await gateway.rest.done('PATCH', path, { publishPermissions: ['AUDIO'] });
    await expectHearing(new Map([[b, [a, c]]]));
  });

  it('shows the quality of each leg', async () => {
    const [a] = (await several(2)) as [Phone, Phone];
    await subscribe(a, { sessionId });
    await phoneHears(a, tonesHz[1] ?? 0);
    const legs = await gateway.rest.done<{ quality: Record<string, unknown> }[]>('GET', '/legs');
    expect(legs).toHaveLength(2);
    for (const { quality } of legs) {
      expect(quality).toMatchObject({ packetsLost: 0, packetsFromStrangers: 0 });
      expect(quality['audio']).toMatchObject({ received: { lossPercent: 0, packetsLost: 0 }, oneWay: null });
      expect(quality['packetsReceived']).toBeGreaterThan(0);
      expect(quality['packetsSent']).toBeGreaterThan(0);
      expect(quality['jitterMs']).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('membership', () => {
  it('a phone without a session is heard by nobody and hears nobody; it moves with its call', async () => {
    const [a, b] = (await several(2)) as [Phone, Phone];
    for (const one of [a, b]) await subscribe(one, { sessionId });
    const roamer = await phone({}, false);
    await phoneHears(a, b.toneHz);
    await expectHearing(
      new Map([
        [a, [b]],
        [roamer, []],
      ]),
    );
    await gateway.rest.addToSession(sessionId, roamer.participantId);
    await expectHearing(
      new Map([
        [a, [b, roamer]],
        [roamer, [a, b]],
      ]),
    );
    const elsewhere = await gateway.rest.createSession();
    const path = `/sessions/${elsewhere}/participants/${roamer.participantId}`;
    expect(await gateway.rest.request('PUT', path, { sessionId: elsewhere })).toMatchObject({
      status: 409,
      body: { error: 'Participant is in another session' },
    });
    await gateway.rest.done('DELETE', `/sessions/${sessionId}/participants/${roamer.participantId}`);
    await gateway.rest.done('PUT', path, { sessionId: elsewhere });
    await expectHearing(
      new Map([
        [a, [b]],
        [roamer, []],
      ]),
    );
    const legs = await gateway.rest.legs();
    expect(legs.filter(({ participantId }) => participantId === roamer.participantId)).toMatchObject([
      { sessionId: elsewhere, state: 'established' },
    ]);
    await gateway.rest.done('DELETE', `/sessions/${elsewhere}/participants/${roamer.participantId}`);
    await gateway.rest.addToSession(sessionId, roamer.participantId);
    await expectHearing(new Map([[roamer, [a, b]]]));
  });

  it('has room for twenty, and 409 for the next', async () => {
    for (let i = 0; i < 20; i += 1) await gateway.rest.newcomer(sessionId);
    const { id } = await gateway.rest.createParticipant();
    expect(await gateway.rest.request('PUT', `/sessions/${sessionId}/participants/${id}`, {})).toMatchObject({
      status: 409,
      body: { error: 'Session is full' },
    });
  });
});
