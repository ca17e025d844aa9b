/** The whole gateway with phones and Chromium pages: who hears and sees whom, and who may not. */
import { describe, expect, it } from 'vitest';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { waitFor } from '../support/wait-for.js';
import { lastHeardMs, phoneHears, phoneHearsNot, useScene } from './scene.js';

/** What a person takes for at once. Promised are 100 ms, but a busy machine may need longer; `npm run bench` measures delays. */
const atOnceMs = 500;
const tokenSecret = 'another secret of more than thirty-two characters';
const scene = useScene({ environment: { LANDBRIDGE_TOKEN_SECRET: tokenSecret } });

describe('a phone and a page', () => {
  it('hear each other', async () => {
    const page = await scene().page({ toneHz: 600 });
    const phone = await scene().phone({ toneHz: 440 });
    await page.hears(440, phone.participantId);
    await phoneHears(phone, 600);
    await page.hearsNot(600);
    await phoneHearsNot(phone, 440);
    expect(
      (await page.events()).map(({ name, participantId, alias, mediaTypes }) => [
        name,
        participantId,
        alias,
        mediaTypes,
      ]),
    ).toEqual([
      ['participantJoined', phone.participantId, undefined, undefined],
      ['streamAvailable', phone.participantId, 'microphone', ['AUDIO']],
    ]);
    const [leg] = (await scene().gateway.rest.legs()).filter(({ kind }) => kind === 'phone');
    const [event] = (await page.events()).filter(({ name }) => name === 'streamAvailable');
    expect(event?.streamId).toBe(leg?.streams[0]?.id);
  });

  it.each(['opus', 'G722'] as const)('hear each other where the phone speaks %s', async (codec) => {
    const page = await scene().page({ toneHz: 600 });
    const phone = await scene().phone({ toneHz: 440, codecs: [codec] });
    expect((await phone.call.answered).codec).toBe(codec);
    await page.hears(440, phone.participantId);
    await phoneHears(phone, 600);
    // A third makes a mix of what was passed through, and its leaving the other way.
    const third = await scene().phone({ toneHz: 1000 });
    await Promise.all([phoneHears(phone, 1000), phoneHears(third, 600), phoneHears(third, 440)]);
    await phoneHears(phone, 600);
    await third.call.hangUp();
    await phoneHearsNot(phone, 1000);
    await phoneHears(phone, 600);
  });

  it('hear each other through a microphone that the page opened', async () => {
    const phone = await scene().phone({ toneHz: 440 });
    const page = await scene().page();
    await page.hears(440, phone.participantId);
    expect(phone.call.heard.levelDbfs(200)).toBeLessThan(-60);
    await page.publishDevices({ audio: true });
    await waitFor('the beep of the fake microphone', () => phone.call.heard.levelDbfs(200) > -40);
  });
});

describe('two pages', () => {
  it('hear and see each other, and not themselves', async () => {
    const a = await scene().page();
    const b = await scene().page();
    await a.publishToneAndPicture(600);
    await b.publishToneAndPicture(1000);
    await Promise.all([a.hears(1000, b.participantId), b.hears(600, a.participantId)]);
    await Promise.all([a.sees(b.participantId), b.sees(a.participantId)]);
    await Promise.all([a.hearsNot(600), b.hearsNot(1000)]);
    expect(await a.streams()).toEqual([
      { participantId: b.participantId, alias: 'camera', mediaTypes: ['AUDIO', 'VIDEO'] },
    ]);
  });

  it('see the camera that the other opened', async () => {
    const a = await scene().page();
    const b = await scene().page();
    await a.publishDevices({ video: true });
    await b.sees(a.participantId);
    expect(await b.streams()).toEqual([
      { participantId: a.participantId, alias: 'camera', mediaTypes: ['VIDEO'] },
    ]);
  });
});

describe('a subscription', () => {
  it('that is removed silences the speaker for that phone within 100 ms, and for nobody else', async () => {
    const speaker = await scene().page({ toneHz: 600 });
    const other = await scene().phone({ toneHz: 1000 });
    const listener = await scene().phone();
    const page = await scene().page();
    await Promise.all([
      phoneHears(listener, 600),
      phoneHears(listener, 1000),
      phoneHears(other, 600),
      page.hears(600),
    ]);

    await scene().subscribe(listener.participantId, {
      participants: [{ participantId: other.participantId }],
    });
    const answeredMs = performance.now();
    expect((await lastHeardMs(listener, 600)) - answeredMs).toBeLessThan(atOnceMs);
    await phoneHears(listener, 1000);
    await phoneHearsNot(listener, 600);
    await Promise.all([phoneHears(other, 600), page.hears(600, speaker.participantId), page.hears(1000)]);

    await scene().subscribe(listener.participantId, { sessionId: scene().sessionId });
    await Promise.all([phoneHears(listener, 600), phoneHears(listener, 1000)]);
  });

  it('that is removed silences a phone for that page, and for nobody else', async () => {
    const speaker = await scene().phone({ toneHz: 440 });
    const other = await scene().page({ toneHz: 1000 });
    const listener = await scene().page();
    await Promise.all([listener.hears(440), listener.hears(1000), other.hears(440)]);

    const seen = (await listener.events()).length;
    await scene().subscribe(listener.participantId, {
      participants: [{ participantId: other.participantId }],
    });
    await listener.event({ name: 'streamUnavailable', participantId: speaker.participantId }, seen);
    expect(await listener.streams()).toMatchObject([{ participantId: other.participantId }]);
    await listener.hears(1000, other.participantId);
    await listener.hearsNot(440);
    await other.hears(440, speaker.participantId);

    await scene().subscribe(listener.participantId, { sessionId: scene().sessionId });
    await Promise.all([listener.hears(440, speaker.participantId), listener.hears(1000)]);
  });

  it('to nobody stops every packet to the page at once', async () => {
    const speaker = await scene().phone({ toneHz: 440 });
    const listener = await scene().page();
    const witness = await scene().page();
    await Promise.all([listener.hears(440), witness.hears(440)]);
    await scene().subscribe(listener.participantId, {});
    const packets = () => listener.figure('inbound-rtp', 'audio', 'packetsReceived');
    const before = await packets();
    const ofWitness = await witness.figure('inbound-rtp', 'audio', 'packetsReceived');
    await waitFor(
      'the other page got 50 packets more',
      async () => (await witness.figure('inbound-rtp', 'audio', 'packetsReceived')) >= ofWitness + 50,
    );
    // What was on its way when the gateway answered; the browser may also forget a track it no longer receives.
    expect((await packets()) - before).toBeLessThanOrEqual(2);
    await witness.hears(440, speaker.participantId);
  });

  it('at stream level lets one of two streams of a page through', async () => {
    const speaker = await scene().page();
    await speaker.publishTone(600, 'microphone');
    await speaker.publishTone(1500, 'music');
    const one = { participantId: speaker.participantId, streamAliases: ['music'] };
    const phone = await scene().phone({ subscriptions: { participants: [one] } });
    const page = await scene().page({ subscriptions: { participants: [one] } });
    const all = await scene().page();
    await Promise.all([phoneHears(phone, 1500), page.hears(1500), all.hears(1500), all.hears(600)]);
    await phoneHearsNot(phone, 600);
    await page.hearsNot(600);
    expect(await page.streams()).toMatchObject([{ alias: 'music' }]);
    const ofSpeaker = (await all.streams()).filter(
      ({ participantId }) => participantId === one.participantId,
    );
    expect(ofSpeaker.map(({ alias }) => alias).sort()).toEqual(['microphone', 'music']);

    await scene().subscribe(phone.participantId, {
      participants: [{ ...one, streamAliases: ['microphone'] }],
    });
    await phoneHears(phone, 600);
    await phoneHearsNot(phone, 1500);
  });

  it('at participant level takes whatever that participant publishes, and nobody else', async () => {
    const speaker = await scene().page({ toneHz: 600 });
    const other = await scene().page({ toneHz: 1000 });
    const wanted = { participants: [{ participantId: speaker.participantId }] };
    const phone = await scene().phone({ subscriptions: wanted });
    await phoneHears(phone, 600);
    await speaker.publishTone(1500, 'music');
    await phoneHears(phone, 1500);
    await other.hears(1500);
    await phoneHearsNot(phone, 1000);
  });
});

describe('the permission to publish', () => {
  it.each([
    ['AUDIO', ['AUDIO'], 'VIDEO'],
    ['VIDEO', ['VIDEO'], 'AUDIO'],
  ] as const)(
    'for %s alone lets nothing else of a page through',
    async (_, publishPermissions, forbidden) => {
      const sender = await scene().page({ fields: { publishPermissions } });
      const receiver = await scene().page();
      const phone = await scene().phone({ toneHz: 440 });
      await receiver.hears(440);
      await sender.publishToneAndPicture(600);
      await receiver.event({ name: 'streamAvailable', participantId: sender.participantId });
      const kind = forbidden === 'AUDIO' ? 'audio' : 'video';
      await waitFor(
        'the page has sent what it may not',
        async () => (await sender.figure('outbound-rtp', kind, 'packetsSent')) > 20,
      );
      if (forbidden === 'AUDIO') {
        await receiver.sees(sender.participantId);
        await receiver.hears(440, phone.participantId);
        await receiver.hearsNot(600);
        expect(phone.call.heard.levelDbfs(500)).toBeLessThan(-60);
      } else {
        await Promise.all([receiver.hears(600, sender.participantId), phoneHears(phone, 600)]);
        expect(await receiver.figure('inbound-rtp', 'video', 'packetsReceived')).toBe(0);
      }
      expect(await receiver.streams()).toContainEqual({
        participantId: sender.participantId,
        alias: 'camera',
        mediaTypes: publishPermissions,
      });
    },
  );

  it('keeps a phone without AUDIO a listener', async () => {
    const phone = await scene().phone({ toneHz: 440, fields: { publishPermissions: ['VIDEO'] } });
    const speaker = await scene().phone({ toneHz: 1000 });
    const page = await scene().page({ toneHz: 600 });
    await Promise.all([phoneHears(phone, 600), phoneHears(speaker, 600), page.hears(1000)]);
    await waitFor('the phone has talked', () => phone.call.statistics.packetsSent > 25);
    await page.hearsNot(440);
    await phoneHearsNot(speaker, 440);
    expect(await page.streams()).toMatchObject([{ participantId: speaker.participantId }]);
  });
});

describe('moderation', () => {
  it('mutes a page for phones and pages alike, leaves its other streams alone, and lets it talk again', async () => {
    const speaker = await scene().page({ toneHz: 600 });
    await speaker.publishTone(1500, 'music');
    const phone = await scene().phone({ toneHz: 440 });
    const page = await scene().page();
    const { gateway, sessionId } = scene();
    const moderate = (what: 'mute' | 'unmute') => {
      const path = `/sessions/${sessionId}/participants/${speaker.participantId}/streams/microphone/${what}`;
      return gateway.rest.done('POST', path);
    };
    await Promise.all([phoneHears(phone, 600), phoneHears(phone, 1500), page.hears(600), page.hears(1500)]);
    await moderate('mute');
    await Promise.all([phoneHearsNot(phone, 600), page.hearsNot(600), speaker.hears(440)]);
    await Promise.all([phoneHears(phone, 1500), page.hears(1500)]);
    expect(await page.streams()).not.toContainEqual(
      expect.objectContaining({ participantId: speaker.participantId, alias: 'microphone' }),
    );
    await moderate('unmute');
    await Promise.all([phoneHears(phone, 600), page.hears(600)]);
  });

  it('cuts off what a page may no longer publish, and lets it through again', async () => {
    const sender = await scene().page();
    await sender.publishToneAndPicture(600);
    const receiver = await scene().page();
    const phone = await scene().phone({ toneHz: 440 });
    const permit = (...publishPermissions: string[]) =>
      scene().gateway.rest.done('PATCH', `/participants/${sender.participantId}`, { publishPermissions });
    await Promise.all([receiver.hears(600), receiver.sees(sender.participantId), phoneHears(phone, 600)]);
    await permit('VIDEO');
    await Promise.all([receiver.hearsNot(600), phoneHearsNot(phone, 600), receiver.hears(440)]);
    await receiver.sees(sender.participantId);
    await permit('AUDIO', 'VIDEO');
    await Promise.all([receiver.hears(600), phoneHears(phone, 600), receiver.sees(sender.participantId)]);
  });
});

describe('a refusal', () => {
  it.each([
    'token-invalid',
    'token-expired',
    'token-used',
    'participant-gone',
    'participant-occupied',
  ] as const)('reaches the page as %s', async (code) => {
    const { gateway, sessionId } = scene();
    const { rest } = gateway;
    const page = await scene().blankPage();
    const fields = code === 'token-used' ? { tokenUse: 'once' } : {};
    const { id, token } = await rest.newcomer(sessionId, { fields });
    let shown = token;
    if (code === 'token-invalid') shown = `${token.slice(0, -4)}AAAA`;
    if (code === 'token-expired') {
      shown = new JwtTokenCodec({ secret: tokenSecret }).sign(id, Date.now() - 60_000);
    }
    if (code === 'participant-gone') await rest.done('DELETE', `/participants/${id}`);
    if (code === 'participant-occupied' || code === 'token-used') {
      const first = await scene().blankPage();
      expect(await first.connect(gateway, token)).toBeNull();
      if (code === 'token-used') {
        await first.disconnect();
        await gateway.idle();
      }
    }
    const sipStatus = { 'participant-gone': 404, 'participant-occupied': 486 }[code as string] ?? 403;
    expect(await page.connect(gateway, shown)).toEqual({ code, sipStatus });
    expect((await rest.legs()).length).toBe(code === 'participant-occupied' ? 1 : 0);
  });

  it('of what is no credential at all never leaves the page', async () => {
    const page = await scene().blankPage();
    expect(await page.connect(scene().gateway, 'nonsense')).toEqual({ code: 'token-invalid' });
  });

  it('leaves the page free to connect with a join code', async () => {
    const { joinCode } = await scene().gateway.rest.newcomer(scene().sessionId);
    const page = await scene().blankPage();
    expect(await page.connect(scene().gateway, 'ZZZZ-ZZZZ-ZZZZ')).toMatchObject({ code: 'token-invalid' });
    expect(await page.connect(scene().gateway, joinCode)).toBeNull();
  });
});
