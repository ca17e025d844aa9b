/** A full session, four phones and sixteen browsers: the real rules, store and media worker, without signalling between. */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { EventRecorder } from '../../src/domain/facts/event-recorder.js';
import { LegRegistry } from '../../src/domain/legs/leg-registry.js';
import type { LiveLeg } from '../../src/domain/legs/live-leg.js';
import { silentLogger } from '../../src/domain/logger.js';
import { SessionService } from '../../src/domain/sessions/session-service.js';
import { createMediaPlane, type WorkerMediaPlane } from '../../src/media/worker-media-plane.js';
import { levelAt } from '../../src/media/worker/sound/dominant-frequency.js';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.js';
import { JwtTokenCodec } from '../../src/tokens/jwt-token-codec.js';
import { HeadlessBrowser } from '../support/headless-browser.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { waitFor } from '../support/wait-for.js';
import { mainConnection } from '../../src/domain/media-plane.js';

const rtpPorts = await takeRtpPorts(400);
const account = 'acme';
const phoneCount = 4;
const count = 20;
/** 20 of these together stay below full scale: nothing of the limiter's doing is heard. */
const amplitude = 1500;
/** Levels of such a tone, and of what G.711 and its neighbours leave where there is none. */
const heardDbfs = -34;
const unheardDbfs = -46;
/** Steps that grow by a little, so that no sum or difference of two tones is a third. */
const toneHz = (index: number) => Math.round(250 + 151 * index + 1.7 * index * index * 0.5);
const listenSamples = 8000 * 0.4;

interface Participant {
  readonly id: string;
  readonly toneHz: number;
  readonly leg: LiveLeg;
  readonly phone: TestPhone | null;
  readonly browser: HeadlessBrowser | null;
}

describe('a session of twenty', () => {
  let media: WorkerMediaPlane;
  let sessions: SessionService;
  let legs: LegRegistry;
  let sessionId: string;
  const participants: Participant[] = [];

  beforeEach(async () => {
    media = await createMediaPlane({
      workers: 1,
      rtpPorts,
      bindAddress: '127.0.0.1',
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      clock: systemClock,
      workerEntry: inject('workerEntry'),
    });
    const { participants: store } = openSqliteStores({ path: ':memory:' });
    const tokens = new JwtTokenCodec({ secret: 'a secret that is long enough for HS256 tokens' });
    const events = new EventRecorder({ publish: () => undefined }, systemClock);
    const shared = { store, tokens, events, clock: systemClock };
    legs = new LegRegistry({
      ...shared,
      nodeId: 'node',
      media,
      logger: silentLogger,
      limits: {
        maxLegs: 100,
        maxParticipantsPerSession: count,
        noSessionTimeoutSeconds: 30,
        guesses: { maxFailuresPerMinute: 5, maxSources: 10 },
      },
    });
    const limits = { maxParticipantsPerSession: count, tokenTtlSeconds: 3600 };
    sessions = new SessionService({ ...shared, legs, limits });
    sessionId = (await sessions.createSession(account, null)).id;
  });
  afterEach(async () => {
    await legs.endAll({ endedBy: 'gateway', reason: 'gateway-stopping' });
    for (const { phone, browser } of participants.splice(0)) {
      phone?.close();
      browser?.close();
    }
    await media.close();
  });

  async function join(index: number): Promise<void> {
    const { participant, token } = await sessions.createParticipant(account, {});
    await sessions.addParticipant(account, sessionId, participant.id, { sessionId });
    const phone = index < phoneCount ? await TestPhone.open() : null;
    const browser = phone === null ? await HeadlessBrowser.open() : null;
    let negotiating = Promise.resolve();
    const leg = await legs.admit({
      credential: { kind: 'jwt', value: token },
      door: 'test',
      callId: `call-${index}`,
      voiceCallId: null,
      source: 'test',
      signalling: {
        renegotiate: () => {
          negotiating = negotiating.then(async () => {
            const main = leg.media.connection('main');
            if (browser !== null) await main.accept(browser.answer(await main.offer()));
          });
        },
        terminate: () => undefined,
      },
    });
    const media = await leg.open(
      phone === null
        ? mainConnection('browser', browser?.offer ?? null)
        : mainConnection('phone', phone.sdp()),
    );
    const { localDescription: answer } = media.connection('main');
    leg.answered();
    phone?.talk(portOf(answer), toneHz(index), amplitude);
    browser?.takeAnswer(answer);
    if (browser !== null) {
      await waitFor('the browser is connected', () => browser.isConnected);
      browser.talk(toneHz(index), amplitude);
    }
    leg.established();
    participants.push({ id: participant.id, toneHz: toneHz(index), leg, phone, browser });
  }

  /** What the phone hears now, and has not heard before. */
  async function listen(phone: TestPhone): Promise<Int16Array> {
    return phone.listen(listenSamples / 160);
  }

  /** The tone of a speaker in each browser's track of that name, and among all in each phone's mix. */
  async function expectHearing(
    heardBy: (listener: Participant, speaker: Participant) => boolean,
  ): Promise<void> {
    const listenerHears = async (listener: Participant): Promise<void> => {
      const expected = participants.filter((speaker) => heardBy(listener, speaker));
      const { phone, browser } = listener;
      if (phone !== null) {
        // A change may be on its way yet: what counts is what it comes to.
        await waitFor(
          'the phone hears whom it should, and nobody else',
          async () => {
            const pcm = await listen(phone);
            return participants.every((speaker) => {
              const level = levelAt(pcm, 8000, speaker.toneHz);
              return expected.includes(speaker) ? level > heardDbfs : level < unheardDbfs;
            });
          },
          { timeoutMs: 60_000 },
        );
      }
      if (browser !== null) {
        const streamIdOf = (speaker: Participant) => speaker.leg.streams[0]?.streamId ?? '';
        const wanted = expected.map(streamIdOf).sort();
        await waitFor(
          'the browser is offered what it should receive',
          () => JSON.stringify(browser.offeredStreamIds.sort()) === JSON.stringify(wanted),
          { timeoutMs: 60_000 },
        );
        browser.forget();
        await waitFor(
          'the browser gets packets of each stream',
          () => expected.every((speaker) => browser.heard(streamIdOf(speaker)).length >= listenSamples),
          { timeoutMs: 60_000, everyMs: 200 },
        );
        for (const speaker of expected) {
          const pcm = browser.heard(streamIdOf(speaker)).subarray(-listenSamples);
          expect(levelAt(pcm, 8000, speaker.toneHz), `${speaker.toneHz} Hz in its track`).toBeGreaterThan(
            heardDbfs,
          );
          for (const other of participants) {
            if (other !== speaker) expect(levelAt(pcm, 8000, other.toneHz)).toBeLessThan(unheardDbfs);
          }
        }
        expect(browser.sources.size, 'sources that packets came of').toBe(expected.length);
      }
    };
    await Promise.all(participants.map(listenerHears));
  }

  it('has everyone hear everyone else, and after a change of topology exactly one', async () => {
    for (let index = 0; index < count; index += 1) await join(index);
    await expectHearing((listener, speaker) => listener !== speaker);
    const streams = await sessions.listStreams(account, sessionId);
    expect(streams.map(({ receivers }) => receivers.length)).toEqual(
      Array.from({ length: count }, () => count - 1),
    );

    const next = (listener: Participant) => participants[(participants.indexOf(listener) + 1) % count];
    await Promise.all(
      participants.map((listener) =>
        sessions.setSubscriptions(account, sessionId, listener.id, {
          participants: [{ participantId: next(listener)?.id ?? '' }],
        }),
      ),
    );
    await expectHearing((listener, speaker) => speaker === next(listener));
  }, 240_000);

  it('refuses the twenty-first', async () => {
    for (let index = 0; index < count; index += 1) {
      const { participant } = await sessions.createParticipant(account, {});
      await sessions.addParticipant(account, sessionId, participant.id, {});
    }
    const { participant } = await sessions.createParticipant(account, {});
    await expect(sessions.addParticipant(account, sessionId, participant.id, {})).rejects.toMatchObject({
      code: 'session-full',
    });
  });
});
