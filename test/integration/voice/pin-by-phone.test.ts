/** A number that asks for a PIN, called over plain SIP: we ask ourselves. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { levelAt, overallLevel } from '../../../src/media/worker/sound/dominant-frequency.js';
import { readWavMono } from '../../../src/media/worker/sound/wav.js';
import { CallNotAnswered, placeCall, type PhoneCall } from '../../../src/softphone/phone-call.js';
import type { EventFollower } from '../../support/events.js';
import { callGateway } from '../../support/gateway-phone.js';
import { firstHeardMs, phoneHears, phoneHearsNot } from '../../support/phone-hearing.js';
import { TestGateway } from '../../support/start-gateway.js';
import { waitFor } from '../../support/wait-for.js';

const pin = '481516';
/** Guesses, which must not be found anywhere either. */
const wrongPins = ['90817263', '90817264', '90817265', '90817266'];
let gateway: TestGateway;
let events: EventFollower;
let calls = 0;
const phones: PhoneCall[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_NUMBERS_MAX_WRONG_PINS_PER_CALLER: '4',
      LANDBRIDGE_SESSIONS_NO_SESSION_TIMEOUT_SECONDS: '1',
      LANDBRIDGE_NUMBERS_PIN_TIMEOUT_SECONDS: '60',
    },
  });
  events = await gateway.follow();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
  await gateway.idle();
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

/** A number with a PIN for a session of its own. */
async function pinNumber(allowFrom: readonly string[] = ['127.0.0.1']) {
  const sessionId = await gateway.rest.createSession();
  calls += 1;
  const number = `+1555010${String(1000 + calls)}`;
  const { id } = await gateway.rest.done<{ id: string }>('POST', '/numbers', {
    number,
    route: { kind: 'pin' },
    tag: 'by pin',
    displayName: 'Caller',
    allowFrom,
  });
  await gateway.rest.done('POST', `/numbers/${id}/pins`, { sessionId, pin });
  return { sessionId, number };
}

async function dial(number: string, options: { toneHz?: number; user?: string } = {}): Promise<PhoneCall> {
  const { toneHz, user = '+15558880000' } = options;
  const phone = await placeCall({
    uri: `sip:${number}@127.0.0.1:${gateway.sipPort}`,
    source: toneHz === undefined ? { kind: 'silence' } : { kind: 'tone', frequencyHz: toneHz },
    user,
    lingerMs: 500,
  });
  phones.push(phone);
  await phone.answered;
  return phone;
}

/** The file's loudest 20 ms, as they are in no other. */
function markOf(name: string): Int16Array {
  const pcm = promptFile(name);
  const loudness = (at: number) => pcm.subarray(at, at + 160).reduce((sum, sample) => sum + sample ** 2, 0);
  let loudest = 0;
  for (let at = 0; at + 160 <= pcm.length; at += 160) if (loudness(at) > loudness(loudest)) loudest = at;
  return pcm.slice(loudest, loudest + 160);
}

/** Where the mark is, in samples from the beginning of what is heard. */
function placesOf(mark: Int16Array, heard: Int16Array): number[] {
  const places: number[] = [];
  for (let at = 0; at + mark.length <= heard.length; at += 1) {
    if (mark.every((sample, index) => heard[at + index] === sample)) places.push(at);
  }
  return places;
}

/** Until the prompt has been heard for the `times`th time. */
async function heardPrompt(phone: PhoneCall, name: string, times = 1): Promise<void> {
  const mark = markOf(name);
  await waitFor(
    `the phone hears the prompt ${name}`,
    () => placesOf(mark, phone.heard.recording()).length >= times,
  );
}

/** The file as it is heard. */
function promptFile(name: string): Int16Array {
  return readWavMono(readFileSync(new URL(`../../../assets/prompts/${name}.wav`, import.meta.url)));
}

const key = (phone: PhoneCall, digits: string) => phone.sendDtmf(`${digits}#`);
const joined = (sessionId: string) =>
  events.wait('participant.joined', (event) => event.sessionId === sessionId && event.tag === 'by pin');

describe('A SIP call to a number that asks for a PIN', () => {
  it('is asked, and is in the PIN’s session after the right one: hears it, and is heard', async () => {
    const { sessionId, number } = await pinNumber();
    const member = await gateway.rest.newcomer(sessionId);
    const inside = await callGateway(gateway, member.token, { toneHz: 440 });
    phones.push(inside);
    const caller = await dial(number, { toneHz: 1300 });
    await heardPrompt(caller, 'pin');
    expect(caller.heard.hears(440)).toBe(false);
    expect(inside.heard.hears(1300)).toBe(false);
    await key(caller, pin);
    const { participantId, data } = await joined(sessionId);
    expect(data).toMatchObject({ legKind: 'phone', displayName: 'Caller' });
    await phoneHears({ call: caller }, 440);
    await phoneHears({ call: inside }, 1300);
    // Among others its keys are events as any phone's.
    await caller.sendDtmf('7');
    const pressed = await events.wait('dtmf.received', (event) => event.participantId === participantId);
    expect(pressed.data.digit).toBe('7');
    await caller.hangUp();
    await events.wait('participant.deleted', (event) => event.participantId === participantId);
    expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toHaveLength(1);
  });

  it('is spoken to half a second after the answer, as carriers need it', async () => {
    const { number } = await pinNumber();
    const caller = await dial(number);
    await heardPrompt(caller, 'pin');
    const mark = markOf('pin');
    const [offset = 0] = placesOf(mark, promptFile('pin'));
    const heard = caller.heard.recording();
    const [at = 0] = placesOf(mark, heard);
    // What is heard begins with the answer, through FreeSWITCH a moment later, and the file without a pause.
    const beginsMs = (at - offset) / 8;
    // Where the first of what is heard comes late, as from a busy machine, there is less of it before.
    expect(beginsMs).toBeGreaterThanOrEqual(300);
    expect(beginsMs).toBeLessThan(5000);
    expect(overallLevel(heard.subarray(0, at - offset))).toBeLessThan(-60);
  });

  it('is told that the PIN was wrong once, and asked as before then', async () => {
    const { number } = await pinNumber();
    const caller = await dial(number, { user: '+15558880006' });
    await heardPrompt(caller, 'pin');
    await key(caller, wrongPins[0] ?? '');
    await heardPrompt(caller, 'pin-wrong');
    await heardPrompt(caller, 'pin', 2);
    expect(placesOf(markOf('pin-wrong'), caller.heard.recording())).toHaveLength(1);
  });

  it('hears that it is in, and hold music while it is alone there, until somebody can be heard', async () => {
    const { sessionId, number } = await pinNumber();
    const caller = await dial(number);
    await heardPrompt(caller, 'pin');
    const inAt = firstHeardMs({ call: caller }, 440);
    await key(caller, pin);
    await joined(sessionId);
    await inAt;
    await phoneHears({ call: caller }, 880);
    const member = await gateway.rest.newcomer(sessionId);
    phones.push(await callGateway(gateway, member.token, { toneHz: 1000 }));
    await phoneHears({ call: caller }, 1000);
    await phoneHearsNot({ call: caller }, 880);
    // For longer than the hold music is silent.
    const fromMs = caller.heard.durationMs;
    await waitFor('more is heard', () => caller.heard.durationMs > fromMs + 4000);
    expect(levelAt(caller.heard.window(4000), 8000, 880)).toBeLessThan(-55);
  });

  it('may be wrong twice, and is hung up on the third time', async () => {
    const { sessionId, number } = await pinNumber();
    const [lucky, guesser] = await Promise.all([
      dial(number, { user: '+15558880001' }),
      dial(number, { user: '+15558880002' }),
    ]);
    const trying = async (phone: PhoneCall) => {
      for (const [index, wrong] of wrongPins.slice(0, 2).entries()) {
        await key(phone, wrong);
        await heardPrompt(phone, 'pin-wrong', index + 1);
      }
    };
    await Promise.all([trying(lucky), trying(guesser)]);
    // A pound key is not needed where all PINs are of one length.
    await Promise.all([lucky.sendDtmf(pin), key(guesser, wrongPins[2] ?? '')]);
    await joined(sessionId);
    await heardPrompt(guesser, 'goodbye');
    expect(await guesser.ended).toMatchObject({
      by: 'remote',
      why: 'hang-up',
      reason: { protocol: 'Q.850', cause: 21, text: 'pin-refused' },
    });
    const ended = await events.wait('call.ended', ({ data }) => data.outcome.reason === 'pin-refused');
    await events.wait('participant.deleted', (event) => event.participantId === ended.participantId);
    expect(ended.sessionId).toBeNull();
  });

  it('is hung up on with the right PIN where the caller has guessed too often', async () => {
    const { number } = await pinNumber();
    const user = '+15558880003';
    const first = await dial(number, { user });
    for (const wrong of wrongPins.slice(0, 3)) await key(first, wrong);
    await first.ended;
    const second = await dial(number, { user });
    await key(second, wrongPins[3] ?? '');
    await heardPrompt(second, 'pin-wrong');
    await key(second, pin);
    expect(await second.ended).toMatchObject({ by: 'remote', reason: { text: 'pin-refused' } });
  });

  it('is hung up on where the PIN’s session is gone', async () => {
    const { sessionId, number } = await pinNumber();
    await gateway.rest.done('DELETE', `/sessions/${sessionId}`);
    const caller = await dial(number, { user: '+15558880004' });
    await key(caller, pin);
    expect(await caller.ended).toMatchObject({ by: 'remote', reason: { text: 'pin-refused' } });
  });

  it('is refused from other networks', async () => {
    const { number } = await pinNumber(['192.0.2.0/24']);
    const error: unknown = await dial(number).catch((reason: unknown) => reason);
    if (!(error instanceof CallNotAnswered)) throw new Error('the call was answered');
    expect(error.end).toMatchObject({ status: 403, reason: { text: 'token-missing' } });
  });

  it('leaves nothing behind where the caller hangs up instead, and no digit anywhere', async () => {
    const { number } = await pinNumber();
    const caller = await dial(number, { user: '+15558880005' });
    await heardPrompt(caller, 'pin');
    await caller.sendDtmf('908172');
    await caller.hangUp();
    await gateway.idle();
    const participants = () => gateway.rest.done<{ tag: string | null }[]>('GET', '/participants');
    await waitFor('the callers’ participants are gone', async () =>
      (await participants()).every(({ tag }) => tag !== 'by pin'),
    );
    expect(events.ofType('dtmf.received').map(({ data }) => data.digit)).toEqual(['7']);
    const said = JSON.stringify([gateway.log, events.seen]);
    for (const secret of [pin, ...wrongPins, '908172', '5558880']) expect(said).not.toContain(secret);
  });
});
