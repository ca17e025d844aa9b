import { beforeEach, describe, expect, it } from 'vitest';
import { account, DomainFixture } from '../../../test/support/domain-fixture.js';
import { DtmfService } from './dtmf-service.js';
import type { LegSignalling } from '../legs/door-leg.js';
import { mainConnection, MediaRefusal, type MediaRefusalCode } from '../media-plane.js';

let fixture: DomainFixture;
let dtmf: DtmfService;
let sessionId: string;

beforeEach(async () => {
  fixture = new DomainFixture();
  const { sessions, legs, recorder: events, clock } = fixture;
  dtmf = new DtmfService({ sessions, legs, events, clock });
  legs.observe(dtmf);
  sessionId = await fixture.session();
});

const wanted = { digits: '12#', durationMs: 160 };
const refusal = (code: MediaRefusalCode) => new MediaRefusal(code, 'refused');
const counts = () => fixture.ofType('dtmf.sent').map(({ data }) => data.count);
/** Lets what was asked for go its way: a look into the store takes a turn of the event loop. */
const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function connected(kind: 'phone' | 'browser' = 'phone', sendDtmf?: LegSignalling['sendDtmf']) {
  const created = await fixture.participant(sessionId);
  const signalling = { renegotiate: () => undefined, terminate: () => undefined, sendDtmf };
  const leg = await fixture.admit(created.token, { signalling });
  await leg.open(mainConnection(kind, 'offer'));
  leg.answered();
  leg.established();
  return { id: created.participant.id, leg, media: fixture.mediaOf(created) };
}

describe('Keys for a phone', () => {
  it('are sent by the media, and told as sent without saying which', async () => {
    const { id, leg, media } = await connected();
    await dtmf.send(account, id, { digits: '1,2#', durationMs: 100 }, null);
    expect(media.log.at(-1)).toBe('keys 1,2# of 100 ms');
    const [event] = fixture.ofType('dtmf.sent');
    expect(event).toMatchObject({ sessionId, participantId: id, data: { legId: leg.legId, count: 3 } });
    expect(JSON.stringify(fixture.events)).not.toContain('1,2#');
  });

  it('need a connected phone of the account', async () => {
    const send = (id: string, by = account) => dtmf.send(by, id, wanted, null);
    const absent = await fixture.participant(sessionId);
    await expect(send(absent.participant.id)).rejects.toMatchObject({ code: 'participant-not-connected' });
    const ringing = await fixture.admit(absent.token);
    await expect(send(absent.participant.id)).rejects.toMatchObject({ code: 'participant-not-connected' });
    await ringing.end({ endedBy: 'participant', reason: 'canceled' });
    await expect(send((await connected('browser')).id)).rejects.toMatchObject({ code: 'not-a-phone' });
    const { id } = await connected();
    await expect(send(id, 'other')).rejects.toMatchObject({ code: 'participant-not-found' });
    expect(counts()).toEqual([]);
  });

  it.each([
    ['', 160],
    ['12 3', 160],
    ['1e', 160],
    ['1', 39],
    ['1', 5001],
    ['1', 99.5],
    ['1'.repeat(12), 5000],
    [','.repeat(61), 160],
  ])('are not taken: %j of %d ms', async (digits, durationMs) => {
    const { id, media } = await connected();
    const before = media.log.length;
    await expect(dtmf.send(account, id, { digits, durationMs }, null)).rejects.toMatchObject({
      code: 'dtmf-unusable',
    });
    expect(media.log).toHaveLength(before);
  });

  it.each([
    ['no-telephone-event', 'dtmf-not-possible'],
    ['on-hold', 'phone-on-hold'],
    ['too-many-keys', 'dtmf-busy'],
    ['overloaded', 'media-overloaded'],
  ] as const)('that the media refuses as %s are refused as %s, and not told as sent', async (from, code) => {
    const { id, media } = await connected();
    media.refuseNextKeys(refusal(from));
    await expect(dtmf.send(account, id, wanted, null)).rejects.toMatchObject({ code });
    expect(counts()).toEqual([]);
  });

  it('whose phone hangs up meanwhile were not sent', async () => {
    const { id, leg, media } = await connected();
    let release: () => void = () => undefined;
    media.keysSent = new Promise((resolve) => (release = resolve));
    const sending = dtmf.send(account, id, wanted, null);
    const outcome = expect(sending).rejects.toMatchObject({ code: 'participant-not-connected' });
    await settle();
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    release();
    await outcome;
    expect(counts()).toEqual([]);
  });

  it('are sent once for an idempotency key, and again where they failed', async () => {
    const { id, media } = await connected();
    const sent = () => media.log.filter((line) => line.startsWith('keys')).length;
    media.refuseNextKeys(refusal('overloaded'));
    await expect(dtmf.send(account, id, wanted, 'k')).rejects.toMatchObject({ code: 'media-overloaded' });
    await Promise.all([dtmf.send(account, id, wanted, 'k'), dtmf.send(account, id, wanted, 'k')]);
    await dtmf.send(account, id, wanted, 'k');
    expect(sent()).toBe(1);
    expect(counts()).toEqual([3]);
    const other = { ...wanted, digits: '4' };
    await expect(dtmf.send(account, id, other, 'k')).rejects.toMatchObject({ code: 'dtmf-key-reused' });
    await dtmf.send(account, id, wanted, 'another');
    await dtmf.send(account, id, wanted, null);
    expect(sent()).toBe(3);
    const elsewhere = await connected();
    await dtmf.send(account, elsewhere.id, other, 'k');
    expect(counts()).toEqual([3, 3, 3, 1]);
  });
});

describe('Keys for a phone that takes no telephone events', () => {
  /** A phone whose answers to INFO the test gives. */
  async function byInfo() {
    const pressed: string[] = [];
    const answers: ((isTaken: boolean) => void)[] = [];
    const phone = await connected('phone', (digit, durationMs) => {
      pressed.push(`${digit} ${durationMs}`);
      return new Promise((resolve) => void answers.push(resolve));
    });
    phone.media.sendDtmf = () => Promise.reject(refusal('no-telephone-event'));
    const answer = async (isTaken = true) => {
      answers.shift()?.(isTaken);
      await settle();
    };
    const wait = async (ms: number) => {
      fixture.clock.advance(ms);
      await settle();
    };
    const send = (digits: string) => dtmf.send(account, phone.id, { digits, durationMs: 100 }, null);
    return { ...phone, pressed, answer, wait, send };
  }

  it('go by signalling, each after the one before was taken and is over', async () => {
    const { pressed, answer, wait, send } = await byInfo();
    const done = [send('1,2'), send('3')];
    await settle();
    await wait(500);
    expect(pressed).toEqual(['1 100']);
    await answer();
    await wait(179);
    expect(pressed).toHaveLength(1);
    await wait(1);
    await wait(999);
    expect(pressed).toHaveLength(1);
    await wait(1);
    expect(pressed).toEqual(['1 100', '2 100']);
    await answer();
    expect(counts()).toEqual([]);
    await wait(180);
    await done[0];
    expect(counts()).toEqual([2]);
    await answer();
    await wait(180);
    await done[1];
    expect(pressed).toEqual(['1 100', '2 100', '3 100']);
    expect(counts()).toEqual([2, 1]);
  });

  it('end with the first that is refused, with those that wait, and later ones are tried again', async () => {
    const { pressed, answer, wait, send } = await byInfo();
    const refused = [send('12'), send('3')].map((done) =>
      expect(done).rejects.toMatchObject({ code: 'dtmf-refused' }),
    );
    await settle();
    await answer(false);
    await Promise.all(refused);
    expect(pressed).toEqual(['1 100']);
    const again = send('4');
    await settle();
    await answer();
    await wait(180);
    await again;
    expect(counts()).toEqual([1]);
  });

  it('end with the leg, and leave no timer', async () => {
    const { leg, answer, send } = await byInfo();
    const gone = [send('12'), send('3')].map((done) =>
      expect(done).rejects.toMatchObject({ code: 'participant-not-connected' }),
    );
    await settle();
    await answer();
    const { pending } = fixture.clock;
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    await Promise.all(gone);
    expect(fixture.clock.pending).toBe(pending - 1);
    expect(counts()).toEqual([]);
  });

  it('are refused where too many wait', async () => {
    const { send, leg } = await byInfo();
    const waiting = Array.from({ length: 16 }, () =>
      expect(send('1')).rejects.toMatchObject({ code: 'participant-not-connected' }),
    );
    await expect(send('1')).rejects.toMatchObject({ code: 'dtmf-busy' });
    await leg.end({ endedBy: 'participant', reason: 'hangup' });
    await Promise.all(waiting);
  });
});
