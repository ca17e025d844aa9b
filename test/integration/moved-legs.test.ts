/** Phones whose media worker dies go on in another. */
import { afterEach, describe, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { callGateway } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const gateways: TestGateway[] = [];
const phones: PhoneCall[] = [];

afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.close();
  for (const gateway of gateways.splice(0)) await gateway.stop();
});

async function start(environment: Record<string, string>): Promise<TestGateway> {
  const gateway = await TestGateway.start({ environment });
  gateways.push(gateway);
  return gateway;
}

async function call(gateway: TestGateway, token: string, toneHz = 440): Promise<PhoneCall> {
  const phone = await callGateway(gateway, token, { toneHz });
  phones.push(phone);
  return phone;
}

/** From now on the phone hears the tone, in what is sent to it now. */
async function hears({ heard }: PhoneCall, frequencyHz: number): Promise<void> {
  const fromMs = heard.durationMs;
  await waitFor(
    `a phone hears ${frequencyHz} Hz`,
    () => heard.durationMs > fromMs + 300 && heard.hears(frequencyHz, 200),
  );
}

describe('when a media worker is killed', () => {
  it('its phones go on in another within two seconds, others are untouched, and nobody has left', async () => {
    const gateway = await start({ LANDBRIDGE_WORKERS: '2' });
    const events = await gateway.follow();
    const [one, two] = [await gateway.rest.createSession(), await gateway.rest.createSession()];
    const calls: { readonly id: string; readonly phone: PhoneCall; readonly heardHz: number }[] = [];
    for (const sessionId of [one, two])
      for (const [frequencyHz, heardHz] of [
        [440, 1000],
        [1000, 440],
      ] as const) {
        const { id, token } = await gateway.rest.newcomer(sessionId);
        const phone = await call(gateway, token, frequencyHz);
        calls.push({ id, phone, heardHz });
      }
    await Promise.all(calls.map((member) => hears(member.phone, member.heardHz)));
    // Which worker holds which session is its own affair: kill one, and see whose calls they were.
    const workers = gateway.workers();
    expect(workers).toHaveLength(2);
    process.kill(workers[0]!, 'SIGKILL');
    const moved = [await events.wait('leg.moved')];
    await waitFor('both phones of the session have moved', () => {
      moved.splice(0, moved.length, ...events.ofType('leg.moved'));
      return moved.length === 2;
    });
    await Promise.all(calls.map((member) => hears(member.phone, member.heardHz)));
    expect(new Set(moved.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(events.ofType('participant.left')).toEqual([]);
    expect(events.ofType('call.ended')).toEqual([]);
    await waitFor('a new worker stands', () => gateway.workers().length === 2);
    // And once more, with all of them in one worker or in two.
    for (const pid of gateway.workers()) process.kill(pid, 'SIGKILL');
    await waitFor('all phones have moved', () => events.ofType('leg.moved').length === 6);
    await Promise.all(calls.map((member) => hears(member.phone, member.heardHz)));
    expect(await gateway.rest.legs()).toHaveLength(4);
    expect(events.ofType('call.ended')).toEqual([]);
    await events.close();
  });

  it('an encrypted call goes on encrypted, in its codec, and a held one stays held', async () => {
    const gateway = await start({ LANDBRIDGE_WORKERS: '1' });
    const events = await gateway.follow();
    const sessionId = await gateway.rest.createSession();
    const [secret, plain] = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
    const phone = await callGateway(gateway, secret.token, {
      toneHz: 440,
      srtp: 'named',
      codecs: ['G722'],
    });
    const other = await callGateway(gateway, plain.token, { toneHz: 1000 });
    phones.push(phone, other);
    await Promise.all([hears(phone, 1000), hears(other, 440)]);
    process.kill(gateway.workers()[0]!, 'SIGKILL');
    await waitFor('both have moved', () => events.ofType('leg.moved').length === 2);
    await Promise.all([hears(phone, 1000), hears(other, 440)]);
    const leg = (await gateway.rest.legs()).find(({ participantId }) => participantId === secret.id);
    expect(leg).toMatchObject({ quality: { encryption: 'sdes' } });
    await other.hold();
    process.kill(gateway.workers()[0]!, 'SIGKILL');
    await waitFor('both have moved again', () => events.ofType('leg.moved').length === 4);
    const held = (await gateway.rest.legs()).find(({ participantId }) => participantId === plain.id);
    expect(held).toMatchObject({ held: true });
    await other.resume();
    await Promise.all([hears(phone, 1000), hears(other, 440)]);
    await events.close();
  });

  it('a phone that does not agree on other media in time is hung up as media-lost', async () => {
    const gateway = await start({ LANDBRIDGE_WORKERS: '1', LANDBRIDGE_SESSIONS_MOVE_TIMEOUT_SECONDS: '1' });
    const events = await gateway.follow();
    const caller = await gateway.rest.newcomer(await gateway.rest.createSession());
    const phone = await call(gateway, caller.token);
    // The new worker is not there yet when the time is over.
    process.kill(gateway.workers()[0]!, 'SIGKILL');
    await waitFor('a new worker, or the end of the call', () => {
      const [pid] = gateway.workers();
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      return events.ofType('call.ended').length > 0;
    });
    expect(await phone.ended).toMatchObject({ by: 'remote', why: 'hang-up', reason: { text: 'media-lost' } });
    await events.close();
  });
});
