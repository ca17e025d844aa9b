/** Bandwidth's browser package, unmodified, in Chromium against the whole gateway. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EventType } from '../../src/domain/facts/event.js';
import { placeCall, type PhoneCall } from '../../src/softphone/phone-call.js';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import type { Newcomer } from '../support/rest-client.js';
import { TestGateway, tokenSecret } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { BandwidthPage } from './bandwidth-page.js';
import { phoneHears, phoneHearsNot, useScene } from './scene.js';
import { WebApplication } from './web-application.js';

const scene = useScene();
const pages: BandwidthPage[] = [];

async function device(newcomer?: Newcomer): Promise<{ page: BandwidthPage; id: string; token: string }> {
  const { gateway, sessionId, browser, application } = scene();
  const { id, token } = newcomer ?? (await gateway.rest.newcomer(sessionId));
  const page = await BandwidthPage.open(browser, application.address(gateway.origin));
  pages.push(page);
  return { page, id, token };
}

async function connected(newcomer?: Newcomer): Promise<{ page: BandwidthPage; id: string; token: string }> {
  const opened = await device(newcomer);
  await opened.page.connect(scene().gateway.httpPort, opened.token);
  return opened;
}

afterEach(async () => {
  const closing = pages.splice(0);
  for (const page of closing) await page.close();
  expect(closing.flatMap(({ complaints }) => complaints)).toEqual([]);
});

describe('a device', () => {
  it('hears a phone as a participant’s stream, and is heard', async () => {
    const { page, id } = await connected();
    const published = await page.publishTone(600, 'mic');
    expect(published).toMatchObject({ mediaTypes: ['AUDIO'], alias: 'mic' });
    const phone = await scene().phone({ toneHz: 440 });
    await page.hears(440, phone.participantId);
    await phoneHears(phone, 600);
    await page.hearsNot(600);
    await phoneHearsNot(phone, 440);
    expect(await page.events()).toMatchObject([
      { name: 'available', participantId: phone.participantId, alias: 'microphone', mediaTypes: ['AUDIO'] },
    ]);
    const event = await scene().events.wait('stream.published', (one) => one.participantId === id);
    expect(event.data).toMatchObject({ alias: 'mic', mediaTypes: ['AUDIO'] });
    expect(await page.heartbeat()).toBe('PONG');
  });

  it('and a page on our own SDK see and hear each other', async () => {
    const { page, id } = await connected();
    const published = await page.publishTone(600, 'camera', true);
    expect(published.mediaTypes).toEqual(['AUDIO', 'VIDEO']);
    const other = await scene().page();
    await other.publishToneAndPicture(1000);
    await Promise.all([page.hears(1000, other.participantId), other.hears(600, id)]);
    await Promise.all([page.sees(other.participantId), other.sees(id)]);
    expect(await other.streams()).toEqual([
      { participantId: id, alias: 'camera', mediaTypes: ['AUDIO', 'VIDEO'] },
    ]);
    expect(await page.events()).toMatchObject([
      {
        name: 'available',
        participantId: other.participantId,
        alias: 'camera',
        mediaTypes: ['AUDIO', 'VIDEO'],
      },
    ]);
  });

  it('unpublishes one of two streams, the last one, and publishes again', async () => {
    const { page, id } = await connected();
    const listener = await connected();
    const first = await page.publishTone(600, 'one');
    await page.publishTone(1000, 'two');
    await Promise.all([listener.page.hears(600, id), listener.page.hears(1000, id)]);
    await page.unpublish(first.streamId);
    const gone = (await listener.page.events()).find(({ alias }) => alias === 'one');
    await listener.page.event({ name: 'unavailable', streamId: gone?.streamId ?? '' });
    await listener.page.hearsNot(600);
    await listener.page.hears(1000, id);
    await page.unpublish();
    const last = (await listener.page.events()).find(({ alias }) => alias === 'two');
    await listener.page.event({ name: 'unavailable', streamId: last?.streamId ?? '' });
    const seen = (await listener.page.events()).length;
    await page.publishTone(1400, 'again');
    await listener.page.event({ name: 'available', alias: 'again', participantId: id }, seen);
    await listener.page.hears(1400, id);
    // What was left is used again: an audio section for each of the two streams, with one of video between them.
    expect(await listener.page.sections()).toBe(3);
  });

  it('sends key presses', async () => {
    const { page, id } = await connected();
    await page.publishTone(600);
    const phone = await scene().phone();
    await phoneHears(phone, 600);
    await page.sendDtmf('5#');
    for (const digit of ['5', '#']) {
      const event = await scene().events.wait(
        'dtmf.received',
        (one) => one.participantId === id && one.data.digit === digit,
      );
      expect(event.data.durationMs).toBeGreaterThan(30);
      expect(event.data.durationMs).toBeLessThan(1000);
    }
    await phoneHears(phone, 600);
  });

  it('publishes what it is permitted to, and is told so', async () => {
    const { rest } = scene().gateway;
    const { page, id } = await connected(
      await rest.newcomer(scene().sessionId, { fields: { publishPermissions: ['AUDIO'] } }),
    );
    expect((await page.publishTone(600, 'camera', true)).mediaTypes).toEqual(['AUDIO']);
    const event = await scene().events.wait('stream.published', (one) => one.participantId === id);
    expect(event.data.mediaTypes).toEqual(['AUDIO']);

    const mute = await connected(
      await rest.newcomer(scene().sessionId, { fields: { publishPermissions: [] } }),
    );
    expect((await mute.page.publishTone(1000)).mediaTypes).toEqual([]);
    await mute.page.hears(600, id);
    await page.hearsNot(1000);
  });

  it('is one of several that hear each other', async () => {
    const devices = [];
    for (const toneHz of [600, 1000, 1400, 1800]) {
      const one = await connected();
      await one.page.publishTone(toneHz, `tone ${toneHz}`);
      devices.push({ ...one, toneHz });
    }
    for (const { page, toneHz } of devices) {
      for (const other of devices) {
        if (other.toneHz === toneHz) await page.hearsNot(toneHz);
        else await page.hears(other.toneHz, other.id);
      }
    }
    const [speaker, ...listeners] = devices;
    await speaker?.page.disconnect();
    for (const { page } of listeners) await page.hearsNot(600);
  });

  it('that disconnects has left, and the same token connects again', async () => {
    const newcomer = await scene().gateway.rest.newcomer(scene().sessionId);
    const { page, id } = await connected(newcomer);
    await page.publishTone(600);
    await page.disconnect();
    const left = await scene().departures(id);
    expect(left.map(({ data }) => data.outcome)).toEqual([{ endedBy: 'participant', reason: 'hangup' }]);
    const again = await connected(newcomer);
    const phone = await scene().phone();
    await again.page.publishTone(1000);
    await phoneHears(phone, 1000);
  });

  it('goes from one session to another with its connection, and hears nobody in between', async () => {
    const { gateway, sessionId } = scene();
    const { page, id } = await connected();
    const speaker = await scene().phone({ toneHz: 440 });
    await page.hears(440, speaker.participantId);
    const other = await gateway.rest.createSession();
    const elsewhere = await scene().phone({ toneHz: 1000, sessionId: other });
    await gateway.rest.done('DELETE', `/sessions/${sessionId}/participants/${id}`);
    await page.event({ name: 'unavailable' });
    await gateway.rest.addToSession(other, id);
    await page.hears(1000, elsewhere.participantId);
    await page.hearsNot(440);
    expect(await page.socketCount()).toBe(1);
  });
});

describe('a device that may not connect', () => {
  it('is closed with 1000 and a reason, and does not try again', async () => {
    const { gateway, sessionId } = scene();
    const tokens = new JwtTokenCodec({ secret: tokenSecret });
    const opened: BandwidthPage[] = [];
    const gone = await gateway.rest.newcomer(sessionId);
    await gateway.rest.done('DELETE', `/participants/${gone.id}`);
    const occupied = await gateway.rest.newcomer(sessionId);
    await connected(occupied);
    const once = await gateway.rest.newcomer(sessionId, { fields: { tokenUse: 'once' } });
    const used = await connected(once);
    await used.page.disconnect();
    await scene().departures(once.id);
    const cases: readonly [token: string, reason: string][] = [
      [`${occupied.token.slice(0, -4)}AAAA`, 'token-invalid'],
      [tokens.sign(occupied.id, Date.now() - 60_000), 'token-expired'],
      [gone.token, 'participant-gone'],
      [occupied.token, 'participant-occupied'],
      [once.token, 'token-used'],
    ];
    for (const [token, reason] of cases) {
      const { page } = await device({ id: '', token, joinCode: '' });
      opened.push(page);
      await page.beginToConnect(gateway.httpPort, token);
      expect(await page.closed()).toEqual({ code: 1000, reason });
    }
    const metrics = await gateway.metrics();
    const counted = [...metrics].filter(
      ([name]) => name.includes('door="bandwidth"') && name.includes('refus'),
    );
    expect(
      new Map(counted.map(([name, value]) => [/(?:code|reason)="([^"]+)"/.exec(name)?.[1], value])),
    ).toEqual(new Map(cases.map(([, reason]) => [reason, 1])));
    expect(await Promise.all(opened.map((page) => page.socketCount()))).toEqual(cases.map(() => 1));
  });

  it('is closed with 1000 when its participant is deleted', async () => {
    const { page, id } = await connected();
    await page.publishTone(600);
    await scene().gateway.rest.done('DELETE', `/participants/${id}`);
    expect(await page.closed()).toEqual({ code: 1000, reason: 'participant-deleted' });
    const left = await scene().departures(id);
    expect(left.map(({ data }) => data.outcome.reason)).toEqual(['participant-deleted']);
  });
});

describe('a device that loses its socket', () => {
  it('stays in the session, comes back by itself, and is told what it missed', async () => {
    const { page, id } = await connected();
    await page.publishTone(600, 'mic');
    const phone = await scene().phone({ toneHz: 440 });
    await Promise.all([page.hears(440), phoneHears(phone, 600)]);
    await page.loseSocket();
    await scene().events.wait('signalling.lost', (one) => one.participantId === id);
    const late = await scene().phone({ toneHz: 1000 });
    await page.connections(2);
    await page.hears(1000, late.participantId);
    await Promise.all([page.hears(440), phoneHears(late, 600)]);
    await page.publishTone(1400, 'more');
    await phoneHears(late, 1400);
    const of = (type: EventType) =>
      scene()
        .events.ofType(type)
        .filter((one) => one.participantId === id);
    expect(of('participant.left')).toEqual([]);
    expect(of('call.answered')).toHaveLength(1);
    const connections = [...of('signalling.lost'), ...of('signalling.back')];
    expect(new Set(connections.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(connections).toHaveLength(2);
  });

  it('gives way to another of the same participant', async () => {
    const newcomer = await scene().gateway.rest.newcomer(scene().sessionId);
    const { page, id } = await connected(newcomer);
    await page.publishTone(600);
    // As a page that is gone without a word.
    await page.page.close({ runBeforeUnload: false });
    await scene().events.wait('signalling.lost', (one) => one.participantId === id);
    const next = await connected(newcomer);
    await next.page.publishTone(1000);
    const phone = await scene().phone();
    await phoneHears(phone, 1000);
    await phoneHearsNot(phone, 600);
    const left = scene()
      .events.ofType('participant.left')
      .filter((one) => one.participantId === id);
    expect(left.map(({ data }) => data.outcome)).toEqual([
      { endedBy: 'participant', reason: 'connection-lost' },
    ]);
  });
});

describe('a device whose media is lost', () => {
  it('publishes again over an ICE restart of its own', async () => {
    const { page } = await connected();
    await page.publishTone(600);
    const phone = await scene().phone({ toneHz: 440 });
    await Promise.all([page.hears(440), phoneHears(phone, 600)]);
    await page.restartIce();
    await page.publishTone(1000, 'more');
    await Promise.all([page.hears(440), phoneHears(phone, 600), phoneHears(phone, 1000)]);
    expect(await page.heartbeat()).toBe('PONG');
  });

  it('comes back when its media worker died', async () => {
    const { gateway } = scene();
    const { page, id } = await connected();
    const other = await scene().page({ toneHz: 1000 });
    const published = await page.publishTone(600, 'mic');
    await page.hears(1000, other.participantId);
    const [worker = 0] = gateway.workers();
    process.kill(worker, 'SIGKILL');
    await page.connections(2);
    await scene().events.wait('participant.left', (one) => one.participantId === id);
    // Until another worker stands calls are refused.
    await waitFor('calls are taken again', async () => (await fetch(`${gateway.origin}/ready`)).ok);
    const again = await scene().phone({ toneHz: 440 });
    await page.hears(440, again.participantId);
    await page.restartIce();
    await phoneHears(again, 600);
    expect(published.alias).toBe('mic');
  });
});

describe('a gateway that is restarted', () => {
  it('takes its devices back, with what they publish and what they receive', async () => {
    const gateway = await TestGateway.start();
    const application = await WebApplication.start();
    const phones: PhoneCall[] = [];
    const call = async (one: TestGateway, token: string, frequencyHz: number) => {
      const phone = await placeCall({
        uri: `sip:join@127.0.0.1:${one.sipPort}`,
        token,
        source: { kind: 'tone', frequencyHz },
        lingerMs: 1000,
      });
      phones.push(phone);
      await phone.answered;
      return phone;
    };
    let second: TestGateway | undefined;
    try {
      const { rest } = gateway;
      const sessionId = await rest.createSession();
      const [own, caller, ...others] = await Promise.all([0, 1, 2, 3].map(() => rest.newcomer(sessionId)));
      if (own === undefined || caller === undefined) throw new Error('nobody there');
      const page = await BandwidthPage.open(scene().browser, application.address(gateway.origin));
      pages.push(page);
      await page.connect(gateway.httpPort, own.token);
      await page.publishTone(600, 'mic');
      await call(gateway, caller.token, 440);
      for (const [index, { token }] of others.entries()) await call(gateway, token, 1000 + 400 * index);
      await Promise.all([page.hears(440), page.hears(1000), page.hears(1400)]);
      expect(await page.sections()).toBe(5);

      await gateway.kill();
      await Promise.all(phones.splice(0).map((phone) => phone.close()));
      second = await gateway.restart({ LANDBRIDGE_HTTP_PORT: String(gateway.httpPort) });
      await page.connections(2);
      // Fewer than before: the device holds more sections than it is first offered.
      const phone = await call(second, caller.token, 440);
      await page.hears(440, caller.id, 30_000);
      expect(await page.sections()).toBe(64);
      // It finds out by itself that its media is gone, and restarts ICE.
      await waitFor('the phone hears 600 Hz', () => phone.heard.hears(600, 200, -40), { timeoutMs: 45_000 });
      expect(
        (await second.rest.legs()).map(({ callId, participantId }) => [participantId, callId]),
      ).toContainEqual([own.id, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    } finally {
      await Promise.all(phones.map((phone) => phone.close()));
      for (const page of pages.splice(0)) await page.close();
      await second?.stop();
      await application.close();
    }
  }, 120_000);
});
