/** What a page does with its streams, and what it is told of the others, against the whole gateway. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type * as Sdk from '../../sdk/src/landbridge.js';
import { waitFor } from '../support/wait-for.js';
import { phoneHears, phoneHearsNot, useScene } from './scene.js';
import type { SessionPage } from './session-page.js';
import { UnsteadyNetwork } from './unsteady-network.js';

interface Kit {
  connection: Sdk.Connection;
  tone(frequencyHz: number): MediaStream;
  picture(): MediaStream;
  keys: unknown[];
}
declare const kit: Kit;
declare const sdk: typeof Sdk;

const scene = useScene();

/** `dtmf.received` of the participant, in order. */
function keysOf(participantId: string): string[] {
  return scene()
    .events.ofType('dtmf.received')
    .filter((event) => event.participantId === participantId)
    .map(({ data }) => data.digit);
}

function participantsOf({ page }: SessionPage): Promise<Record<string, unknown>[]> {
  return page.evaluate(() =>
    [...kit.connection.participants.values()].map(({ streams, ...rest }) => ({
      ...rest,
      streams: streams.map(({ alias }) => alias),
    })),
  );
}

describe('keys', () => {
  it('that a page presses are events of the session, and not heard as sound', async () => {
    const phone = await scene().phone();
    const page = await scene().page({ toneHz: 600 });
    await phoneHears(phone, 600);
    await page.page.evaluate(() => kit.connection.publications[0]!.sendDtmf('12#', { durationMs: 60 }));
    await scene().events.wait(
      'dtmf.received',
      ({ participantId, data }) => participantId === page.participantId && data.digit === '#',
    );
    expect(keysOf(page.participantId)).toEqual(['1', '2', '#']);
    // 697 Hz is in 1, 2 and 3.
    await phoneHearsNot(phone, 697);
  });

  it('that a caller presses are told to the pages that hear it, and to no other', async () => {
    const phone = await scene().phone({ toneHz: 440 });
    const page = await scene().page();
    const deaf = await scene().page({ subscriptions: {} });
    await page.hears(440);
    for (const one of [page, deaf])
      await one.page.evaluate(() => {
        kit.keys = [];
        kit.connection.on('dtmfReceived', (event) => void kit.keys.push(event));
      });
    await phone.call.sendDtmf('5*');
    await page.page.waitForFunction(() => kit.keys.length === 2);
    expect(await page.page.evaluate(() => kit.keys)).toMatchObject([
      { participantId: phone.participantId, digit: '5' },
      { participantId: phone.participantId, digit: '*' },
    ]);
    expect(await deaf.page.evaluate(() => kit.keys)).toEqual([]);
  });

  it('are refused where no audio is published', async () => {
    const page = await scene().page();
    const codes = await page.page.evaluate(async () => {
      const publication = await kit.connection.publish(kit.picture());
      const code = (digits: string) =>
        publication.sendDtmf(digits).catch((error: Sdk.LandbridgeError) => error.code);
      return [await code('1'), await code('x')];
    });
    expect(codes).toEqual(['dtmf-not-possible', 'invalid-argument']);
  });
});

describe('participants', () => {
  it('are those whom it is subscribed to, with what the gateway tells of them, as it is now', async () => {
    const phone = await scene().phone({
      toneHz: 440,
      fields: { displayName: 'Ann', attributes: { team: 'red' } },
    });
    const page = await scene().page();
    const other = await scene().page({ toneHz: 600, fields: { displayName: 'Ben' } });
    await page.hears(600);
    await page.page.waitForFunction(() =>
      [...kit.connection.participants.values()].every(
        ({ displayName, streams }) => displayName !== undefined && streams.length === 1,
      ),
    );
    expect(await participantsOf(page)).toEqual([
      {
        participantId: phone.participantId,
        kind: 'phone',
        displayName: 'Ann',
        attributes: { team: 'red' },
        streams: ['microphone'],
        mutedStreams: [],
      },
      {
        participantId: other.participantId,
        kind: 'browser',
        displayName: 'Ben',
        attributes: {},
        streams: ['microphone'],
        mutedStreams: [],
      },
    ]);
    await scene().gateway.rest.done('PATCH', `/participants/${phone.participantId}`, { displayName: 'Anna' });
    await page.page.waitForFunction(() =>
      [...kit.connection.participants.values()].some(({ displayName }) => displayName === 'Anna'),
    );
    await other.disconnect();
    await page.event({ name: 'participantLeft', participantId: other.participantId });
    expect(await participantsOf(page)).toMatchObject([{ displayName: 'Anna' }]);
  });

  it('have not left where one’s own subscription changes, or where one is taken out of the session', async () => {
    const page = await scene().page();
    const phone = await scene().phone({ toneHz: 440 });
    const other = await scene().phone({ toneHz: 600 });
    const gone = async (name: string): Promise<(string | undefined)[]> =>
      (await page.events()).filter((event) => event.name === name).map(({ participantId }) => participantId);
    await Promise.all([page.hears(440, phone.participantId), page.hears(600, other.participantId)]);

    await scene().subscribe(page.participantId, { participants: [{ participantId: other.participantId }] });
    await page.event({ name: 'participantUnsubscribed', participantId: phone.participantId });
    expect(await participantsOf(page)).toMatchObject([{ participantId: other.participantId }]);
    // Whoever leaves unheard is not told of again.
    await phone.call.hangUp();
    await scene().departures(phone.participantId);

    const { rest } = scene().gateway;
    const membership = `/sessions/${scene().sessionId}/participants/${page.participantId}`;
    await rest.done('DELETE', membership);
    await page.event({ name: 'participantUnsubscribed', participantId: other.participantId });
    expect(await participantsOf(page)).toEqual([]);

    await rest.addToSession(scene().sessionId, page.participantId);
    await page.hears(600, other.participantId);
    expect(await gone('participantLeft')).toEqual([]);
    await other.call.hangUp();
    await page.event({ name: 'participantLeft', participantId: other.participantId });
    expect(await gone('participantUnsubscribed')).toEqual([phone.participantId, other.participantId]);
  });
});

describe('the example of the README', () => {
  it('works as it stands there in a page of another origin: it is heard, and hears', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const example = /In the browser,[^`]*```js\n(.*?)```/s.exec(readme)?.[1] ?? '';
    const phone = await scene().phone({ toneHz: 440 });
    const { id, token } = await scene().gateway.rest.newcomer(scene().sessionId);
    const page = await scene().blankPage(id);
    await page.page.evaluate(
      ([code, shown]) => {
        Object.assign(globalThis, { token: shown });
        const script = document.createElement('script');
        script.type = 'module';
        script.textContent = `${code}; globalThis.connectedByExample = connection;`;
        document.head.append(script);
      },
      [example.replace('http://127.0.0.1:8080', scene().gateway.origin), token] as const,
    );
    // The fake microphone beeps.
    await waitFor('the page is heard', () => phone.call.heard.levelDbfs(200) > -40);
    await page.page.waitForFunction(() =>
      (globalThis as unknown as { connectedByExample: Sdk.Connection }).connectedByExample.streams.some(
        ({ mediaStream }) => mediaStream.getAudioTracks().length === 1,
      ),
    );
  });
});

describe('a publication', () => {
  it('gets another track, and another device, without negotiation', async () => {
    const network = await UnsteadyNetwork.open(scene().gateway.origin);
    const phone = await scene().phone({ toneHz: 440 });
    const { id, token } = await scene().gateway.rest.newcomer(scene().sessionId);
    const page = await scene().blankPage(id);
    await page.connect(scene().gateway, token, { url: network.url });
    await page.publishTone(600);
    await Promise.all([phoneHears(phone, 600), page.hears(440)]);
    // The page's own: the gateway may still be repeating an offer of its own after glare.
    const invites = (): number => network.count('page', 'INVITE');
    const before = invites();
    await page.page.evaluate(() =>
      kit.connection.publications[0]!.replaceTrack(kit.tone(1000).getTracks()[0]!),
    );
    await phoneHears(phone, 1000);
    await phoneHearsNot(phone, 600);
    await page.page.evaluate(async () => {
      const [publication] = kit.connection.publications;
      const { microphones } = await sdk.listDevices();
      await publication!.switchDevice('AUDIO', microphones.at(-1)!.deviceId);
    });
    await phoneHearsNot(phone, 1000);
    const [label, state] = await page.page.evaluate(() => {
      const [track] = kit.connection.publications[0]!.mediaStream.getTracks();
      return [track!.label, track!.readyState];
    });
    expect([label, state]).toEqual([expect.stringContaining('Fake'), 'live']);
    await page.page.evaluate(() => kit.connection.publications[0]!.mute());
    expect(invites()).toBe(before);
    await scene().end();
    await network.close();
  });

  it('is one of several at once, each with its alias, and each is measured', async () => {
    const a = await scene().page();
    const b = await scene().page();
    await a.publishTone(600);
    await a.publishToneAndPicture(1000, 'camera');
    await a.page.evaluate(
      async () => void (await kit.connection.publish(kit.picture(), { alias: 'screen' })),
    );
    await Promise.all([b.hears(600), b.hears(1000), b.sees(a.participantId)]);
    expect((await b.streams()).map(({ alias, mediaTypes }) => [alias, mediaTypes])).toEqual([
      ['microphone', ['AUDIO']],
      ['camera', ['AUDIO', 'VIDEO']],
      ['screen', ['VIDEO']],
    ]);
    // A rate is that since the last look: the first has none.
    const measured = ({ page }: SessionPage) =>
      waitFor(
        'everything flows',
        async () => {
          const { tracks, hasRoundTrip } = await page.evaluate(async () => {
            const statistics = await kit.connection.getStats();
            return { tracks: statistics.tracks, hasRoundTrip: statistics.roundTripMs !== null };
          });
          const isFlowing = tracks.every(({ bitrateBps }) => (bitrateBps ?? 0) > 1000);
          return isFlowing && hasRoundTrip && { tracks };
        },
        { everyMs: 300 },
      );
    const [sent, received] = await Promise.all([measured(a), measured(b)]);
    const shape = ({ tracks }: typeof sent) =>
      tracks.map(({ direction, alias, mediaType }) => [direction, alias, mediaType]);
    expect(shape(sent)).toEqual([
      ['sent', 'microphone', 'AUDIO'],
      ['sent', 'camera', 'AUDIO'],
      ['sent', 'camera', 'VIDEO'],
      ['sent', 'screen', 'VIDEO'],
    ]);
    expect(shape(received)).toHaveLength(4);
    expect(shape(received).every(([direction]) => direction === 'received')).toBe(true);
    expect(received.tracks.every(({ packetsLost }) => packetsLost === 0)).toBe(true);
  });

  it('tells when its track ends by itself', async () => {
    const page = await scene().page();
    const told = await page.page.evaluate(async () => {
      const stream = await sdk.openMicrophone();
      await kit.connection.publish(stream, { alias: 'mic' });
      const ended = new Promise<string>((resolve) =>
        kit.connection.on('trackEnded', ({ publication, mediaType }) =>
          resolve(`${publication.alias} ${mediaType}`),
        ),
      );
      // As the browser does it when the device is pulled out.
      stream.getTracks()[0]!.dispatchEvent(new Event('ended'));
      return ended;
    });
    expect(told).toBe('mic AUDIO');
  });
});
