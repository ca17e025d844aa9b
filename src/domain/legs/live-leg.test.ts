import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { RecordingMediaPlane } from '../../../test/support/recording-media-plane.js';
import type { LegState } from './door-leg.js';
import { LiveLeg } from './live-leg.js';
import { mainConnection, MediaRefusal } from '../media-plane.js';
import type { Outcome } from '../outcome.js';
import { newParticipant } from '../participants/new-participant.js';
import type { Participant } from '../participants/participant.js';
import { Refusal } from '../refusal.js';

const participant: Participant = {
  ...newParticipant('acme', { publishPermissions: ['AUDIO'] }, 0),
  ...{ id: 'p', sessionId: 's', legId: 'leg' },
};
const hangup: Outcome = { endedBy: 'participant', reason: 'hangup' };
const deleted: Outcome = { endedBy: 'application', reason: 'participant-deleted' };

function newLeg(clientId: string | null = null) {
  const clock = new ManualClock();
  const media = new RecordingMediaPlane();
  const log: string[] = [];
  const leg: LiveLeg = new LiveLeg({
    legId: 'leg',
    door: 'sip',
    callId: 'c',
    clientId,
    voiceCallId: null,
    participant,
    media,
    clock,
    signalling: {
      renegotiate: (connection) => void log.push(`renegotiate ${connection}`),
      terminate: ({ reason }) => void log.push(`terminate ${reason}`),
    },
    observer: {
      legAnswered: () => void log.push('answered'),
      legEstablished: () => void log.push('established'),
      legStreamsChanged: (_, before) => void log.push(`streams ${before.length}→${leg.streams.length}`),
      legSignallingLost: () => void log.push('signalling lost'),
      legSignallingBack: () => void log.push('signalling back'),
      legHeld: () => void log.push(leg.isHeld ? 'held' : 'resumed'),
      legPlayed: (_, playbackId, how) => void log.push(`played ${playbackId} ${how}`),
      legDtmf: (_, digit, durationMs) => void log.push(`dtmf ${digit} ${durationMs}`),
      legEnded: (_, outcome, before) => void log.push(`ended ${outcome.reason} from ${before}`),
    },
  });
  return { clock, media, log, leg };
}

/** A leg driven to a state by the only way there. */
async function legIn(state: LegState, clientId: string | null = null) {
  const setup = newLeg(clientId);
  const { leg } = setup;
  if (state === 'admitted') return setup;
  if (state === 'ended') {
    await leg.end(hangup);
  } else {
    await leg.open(mainConnection('phone', 'offer phone'));
    if (state !== 'opened') leg.answered();
    if (state === 'established') leg.established();
  }
  setup.log.length = 0;
  expect(leg.state).toBe(state);
  return setup;
}

const states: readonly LegState[] = ['admitted', 'opened', 'answered', 'established', 'ended'];

describe('a live leg', () => {
  it('goes admitted → opened → answered → established → ended and tells its owner each step', async () => {
    const { leg, log, media, clock } = newLeg();
    const opened = await leg.open(mainConnection('phone', 'offer phone'));
    expect(opened).toBe(leg.media);
    expect(opened.connection('main').localDescription).toBe('answer to offer phone');
    expect(leg.kind).toBe('phone');
    clock.advance(100);
    leg.answered();
    expect(leg.answeredAt).toBe(clock.now());
    leg.established();
    await leg.end(hangup);
    expect(log).toEqual(['answered', 'established', 'ended hangup from established']);
    expect(media.only.isClosed).toBe(true);
  });

  it('makes the offer itself where the opening request had none', async () => {
    const { leg, media } = newLeg();
    const opened = await leg.open(mainConnection('phone', null));
    expect(opened.connection('main').localDescription).toBe('offer of ours');
    expect(media.only.request).toMatchObject({ kind: 'phone', mayPublish: ['AUDIO'], sessionId: 's' });
  });

  it('receives over the first of its connections that is not for what it publishes', async () => {
    const up = { name: 'up', flow: 'publish' } as const;
    const down = { name: 'down', flow: 'receive' } as const;
    for (const [connections, expected] of [
      [mainConnection('browser', 'offer').connections, { main: ['a'] }],
      [[up, down, { ...down, name: 'more' }], { down: ['a'] }],
      [[up], {}],
    ] as const) {
      const { leg, media } = newLeg();
      await leg.open({ kind: 'browser', connections });
      await leg.receive(['a'], false);
      expect(media.only.receivedOver).toEqual(expected);
    }
  });

  it('lets its media publish what its participant may, also where that changed while it was opened', async () => {
    const { leg, media } = newLeg();
    const release = media.delayNext();
    const opening = leg.open(mainConnection('phone', 'offer phone'));
    leg.update({ ...participant, publishPermissions: [] });
    release();
    await opening;
    expect(media.only.log).toEqual(['may publish ']);
    leg.update({ ...participant, publishPermissions: [], displayName: 'Ann' });
    leg.update(participant);
    expect(media.only.log).toEqual(['may publish ', 'may publish AUDIO']);
    await leg.end(hangup);
    leg.update({ ...participant, publishPermissions: [] });
    expect(media.only.log).toHaveLength(2);
  });

  describe('edges that are not in its table', () => {
    it.each(states.filter((state) => state !== 'admitted'))('cannot be opened when %s', async (state) => {
      const { leg, media } = await legIn(state);
      const opened = media.legs.length;
      await expect(leg.open(mainConnection('phone', 'offer phone'))).rejects.toThrow(
        state === 'ended' ? 'participant-gone' : `cannot open a leg that is ${state}`,
      );
      expect(media.legs).toHaveLength(opened);
    });

    it.each(states.filter((state) => state !== 'opened'))('is not answered when %s', async (state) => {
      const { leg, log } = await legIn(state);
      leg.answered();
      expect(leg.state).toBe(state);
      expect(log).toEqual([]);
    });

    it.each(states.filter((state) => state !== 'answered'))('is not established when %s', async (state) => {
      const { leg, log } = await legIn(state);
      leg.established();
      expect(leg.state).toBe(state);
      expect(log).toEqual([]);
    });

    it('does not end twice, and the first word counts', async () => {
      const { leg, log } = await legIn('established');
      await Promise.all([leg.end(hangup), leg.terminate(deleted), leg.end(hangup)]);
      await leg.terminate(deleted);
      expect(log).toEqual(['ended hangup from established']);
    });
  });

  describe.each(states.filter((state) => state !== 'ended'))('when %s', (state) => {
    it('can be ended from the far side: the door is told nothing', async () => {
      const { leg, log } = await legIn(state);
      await leg.end(hangup);
      expect(leg.state).toBe('ended');
      expect(log).toEqual([`ended hangup from ${state}`]);
    });

    it('can be ended from our side: the door tells the far end once', async () => {
      const { leg, log } = await legIn(state);
      await leg.terminate(deleted);
      expect(log).toEqual([`ended participant-deleted from ${state}`, 'terminate participant-deleted']);
    });

    it('closes its media at its end, once', async () => {
      const { leg, media } = await legIn(state);
      await leg.end(hangup);
      await leg.end(hangup);
      expect(media.legs.map(({ closings }) => closings)).toEqual(state === 'admitted' ? [] : [1]);
    });
  });

  it('resolves its end only when the media is closed and the owner’s work is done', async () => {
    const { leg, media } = await legIn('established');
    let release!: () => void;
    media.only.closing = new Promise((resolve) => (release = resolve));
    let owner!: () => void;
    const ended = leg.end(hangup);
    leg.waitFor(new Promise<void>((resolve) => (owner = resolve)));
    let isOver = false;
    const over = leg.end(hangup).then(() => (isOver = true));
    release();
    await ended;
    expect(isOver).toBe(false);
    owner();
    await over;
    expect(isOver).toBe(true);
  });

  it.each(['bad-sdp', 'no-common-codec', 'overloaded'] as const)(
    'that the media refuses as %s has ended, with the refusal told',
    async (code) => {
      const { leg, media, log } = newLeg();
      media.refuseNext(new MediaRefusal(code, 'because'));
      const refusal: unknown = await leg
        .open(mainConnection('phone', 'offer phone'))
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(Refusal);
      expect(refusal).toMatchObject({ code, detail: 'because' });
      expect(leg.hasEnded).toBe(true);
      expect(log).toEqual(['ended refused from admitted']);
    },
  );

  it('that the media fails otherwise has ended, with the error told', async () => {
    const { leg, media } = newLeg();
    media.refuseNext(new Error('worker gone'));
    await expect(leg.open(mainConnection('phone', 'offer phone'))).rejects.toThrow('worker gone');
    expect(leg.hasEnded).toBe(true);
  });

  it('that ends while its media is opened closes the media when it comes', async () => {
    const { leg, media, log } = newLeg();
    const release = media.delayNext();
    const opening = leg.open(mainConnection('phone', 'offer phone'));
    await leg.terminate(deleted);
    release();
    await expect(opening).rejects.toMatchObject({ code: 'participant-gone' });
    expect(media.only.isClosed).toBe(true);
    expect(leg.state).toBe('ended');
    expect(log).toEqual(['ended participant-deleted from admitted', 'terminate participant-deleted']);
  });

  it('shows no stream to others before it is established and none after its end', async () => {
    const { leg, media, log } = await legIn('opened');
    media.only.publish('microphone');
    expect(leg.streams).toEqual([]);
    leg.answered();
    expect(leg.streams).toEqual([]);
    leg.established();
    expect(leg.streams.map(({ alias }) => alias)).toEqual(['microphone']);
    media.only.publish('microphone', 'camera');
    await leg.end(hangup);
    expect(leg.streams).toEqual([]);
    expect(leg.published).toHaveLength(2);
    expect(log).toEqual(['answered', 'established', 'streams 1→2', 'ended hangup from established']);
  });

  it('takes nothing from its door or its media after its end', async () => {
    const { leg, media, log } = await legIn('established', 'device');
    await leg.end(hangup);
    log.length = 0;
    const { listener } = media.only;
    leg.answered();
    leg.established();
    leg.signallingLost();
    leg.signallingBack();
    leg.dtmf('5', 160);
    leg.acceptStreams([]);
    leg.tone({ kind: 'tone', frequenciesHz: [440], durationMs: 100, levelDb: -20 });
    media.only.publish('late');
    listener.onHeld(true);
    listener.onPlayed('playback', 'completed');
    listener.onDtmf('5', 100);
    listener.onNegotiationNeeded('main');
    listener.onEnded('media-lost');
    expect(log).toEqual([]);
    expect(leg.accepts).toBeNull();
    expect(leg.isHeld).toBe(false);
  });

  it.each(['end', 'terminate'] as const)(
    'tells before its %s that its client’s connection is lost, where it is not yet',
    async (how) => {
      const connected = await legIn('established', 'device');
      await connected.leg[how](hangup);
      expect(connected.log.slice(0, 2)).toEqual(['signalling lost', 'ended hangup from established']);
      const lost = await legIn('established', 'device');
      lost.leg.signallingLost();
      await lost.leg[how](hangup);
      expect(lost.log.slice(0, 2)).toEqual(['signalling lost', 'ended hangup from established']);
      const back = await legIn('established', 'device');
      back.leg.signallingLost();
      back.leg.signallingBack();
      await back.leg[how](hangup);
      expect(back.log.filter((line) => line === 'signalling lost')).toHaveLength(2);
    },
  );

  it('has no connection to lose where its client cannot come back, or was never there', async () => {
    for (const { leg, log } of [await legIn('established'), await legIn('answered', 'device')]) {
      const { state } = leg;
      await leg.end(hangup);
      expect(log).toEqual([`ended hangup from ${state}`]);
    }
  });

  it('tells of a hold and a resumption once each', async () => {
    const { leg, media, log } = await legIn('established');
    for (const held of [false, true, true, false, false]) media.only.listener.onHeld(held);
    await leg.end(hangup);
    media.only.listener.onHeld(true);
    expect(log).toEqual(['held', 'resumed', 'ended hangup from established']);
  });

  it('tells of a hold that it came with as soon as it is established', async () => {
    const { leg, media, log } = await legIn('opened');
    media.only.listener.onHeld(true);
    expect(leg.isHeld).toBe(true);
    leg.answered();
    leg.established();
    expect(log).toEqual(['answered', 'established', 'held']);
  });

  it('tells of key presses only while it is established', async () => {
    for (const state of states) {
      const { leg, log } = await legIn(state);
      leg.dtmf('5', 160);
      expect(log).toEqual(state === 'established' ? ['dtmf 5 160'] : []);
    }
  });

  it('tells once of a press that comes as telephone event and as INFO', async () => {
    const { leg, media, log } = await legIn('established');
    for (const digit of '55') {
      leg.dtmf(digit, 160);
      media.only.listener.onDtmf(digit, 100);
    }
    expect(log).toEqual(['dtmf 5 160', 'dtmf 5 160']);
  });

  it('passes on that its media wants an offer, until its end', async () => {
    const { leg, media, log } = await legIn('established');
    media.only.listener.onNegotiationNeeded('main');
    await leg.end(hangup);
    media.only.listener.onNegotiationNeeded('main');
    expect(log).toEqual(['renegotiate main', 'ended hangup from established']);
  });

  it.each(['media-timeout', 'media-lost', 'ice-failed'] as const)(
    'ends as %s when its media says so, and the door tells the far end',
    async (reason) => {
      const { media, log, leg } = await legIn('established');
      media.only.listener.onEnded(reason);
      expect(leg.hasEnded).toBe(true);
      expect(log).toEqual([`ended ${reason} from established`, `terminate ${reason}`]);
    },
  );

  it('has media only once it is opened', async () => {
    const { leg } = newLeg();
    expect(leg.kind).toBeNull();
    expect(() => leg.media).toThrow('the leg has no media');
    await leg.open(mainConnection('browser', 'offer browser'));
    expect(leg.kind).toBe('browser');
  });
});
