import { beforeEach, describe, expect, it } from 'vitest';
import { MediaEngine, type EngineEvents, UnknownLegError } from './engine.js';
import type { Leg, LegOptions, LegStatistics } from './leg.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import type { SourceStream } from './source-track.js';

const PHONE_OFFER =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n';
const BROWSER_OFFER = `${PHONE_OFFER.replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF')}a=ice-ufrag:abcd\r\na=ice-pwd:${'p'.repeat(22)}\r\na=fingerprint:sha-256 AB:CD\r\n`;

class FakeLeg implements Leg {
  readonly legId: string;
  readonly calls: string[] = [];
  received: string[] = [];
  holdSound = false;
  closed = false;
  failOnReceive = false;
  refuse: SdpRefusal | null = null;
  answering: Promise<void> = Promise.resolve();

  constructor(
    readonly kind: 'phone' | 'browser',
    readonly options: LegOptions,
  ) {
    this.legId = options.legId;
  }

  async answer(offer: string): Promise<string> {
    await this.answering;
    if (this.refuse) throw this.refuse;
    return `answer to ${offer.length}`;
  }
  async offer(): Promise<string> {
    return 'offer';
  }
  async accept(answer: string): Promise<void> {
    this.calls.push(`accept ${answer}`);
  }
  rollback(): void {
    this.calls.push('rollback');
  }
  receive(streams: readonly SourceStream[], holdSound: boolean): void {
    if (this.failOnReceive) throw new Error('broken');
    this.received = streams.map(({ streamId }) => streamId);
    this.holdSound = holdSound;
    this.calls.push('receive');
  }
  setMayPublish(kinds: ReadonlySet<string>): void {
    this.calls.push(`may publish ${[...kinds].join()}`);
  }
  statistics(): LegStatistics {
    return { packetsReceived: 1, packetsSent: 2, packetsLost: 0, packetsFromStrangers: 0, jitterMs: 0 };
  }
  close(): void {
    this.closed = true;
  }
  publish(...ids: string[]): void {
    this.options.events.onStreams(
      ids.map((streamId) => ({ streamId, alias: 'microphone', audio: null, video: null })),
    );
  }
}

describe('MediaEngine', () => {
  let legs: Map<string, FakeLeg>;
  let facts: unknown[][];
  let prepare: (leg: FakeLeg) => void;
  let engine: MediaEngine;
  const leg = (id: string): FakeLeg => legs.get(id)!;
  const open = (
    legId: string,
    offer: string | null = PHONE_OFFER,
  ): Promise<{ kind: string; localDescription: string }> =>
    engine.openLeg({ legId, participantId: `p-${legId}`, offer, mayPublish: ['audio'] });

  beforeEach(() => {
    legs = new Map();
    facts = [];
    prepare = () => undefined;
    const make = (kind: 'phone' | 'browser') => (options: LegOptions) => {
      const made = new FakeLeg(kind, options);
      legs.set(options.legId, made);
      prepare(made);
      return made;
    };
    const fact =
      (name: string) =>
      (...details: unknown[]): void =>
        void facts.push([name, ...details]);
    const events: EngineEvents = {
      onConnected: fact('connected'),
      onStreams: fact('streams'),
      onDtmf: fact('dtmf'),
      onPlayed: fact('played'),
      onNegotiationNeeded: fact('negotiation-needed'),
      onEnded: fact('ended'),
      onFault: fact('fault'),
    };
    engine = new MediaEngine({
      factories: { phone: make('phone'), browser: make('browser'), device: make('browser') },
      events,
      maxLegs: 3,
    });
  });

  it('makes a browser leg of an offer with ICE and DTLS, a phone leg of any other and of none', async () => {
    expect(await open('a')).toEqual({ kind: 'phone', localDescription: `answer to ${PHONE_OFFER.length}` });
    expect((await open('b', BROWSER_OFFER)).kind).toBe('browser');
    expect(await open('c', null)).toEqual({ kind: 'phone', localDescription: 'offer' });
    expect(engine.statistics()).toMatchObject({ phoneLegs: 2, browserLegs: 1 });
  });

  it('makes a phone leg where ICE or the fingerprint is missing: it refuses what it cannot do', async () => {
    expect((await open('a', BROWSER_OFFER.replace(/a=fingerprint.*\r\n/, ''))).kind).toBe('phone');
    expect((await open('b', BROWSER_OFFER.replace(/a=ice-pwd.*\r\n/, ''))).kind).toBe('phone');
  });

  it('refuses an unreadable offer before any leg is made', async () => {
    await expect(open('a', 'hello')).rejects.toMatchObject({ code: 'bad-sdp' });
    expect(legs.size).toBe(0);
    expect(engine.legCount).toBe(0);
  });

  it('refuses legs beyond its limit as overloaded and takes one again when one has closed', async () => {
    for (const id of ['a', 'b', 'c']) await open(id);
    await expect(open('d')).rejects.toMatchObject({ code: 'overloaded' });
    engine.closeLeg('a');
    await open('d');
  });

  it('closes a leg that refuses its first offer and passes the refusal on', async () => {
    prepare = (made) => void (made.refuse = new SdpRefusal('no-common-codec', 'no'));
    await expect(open('a')).rejects.toMatchObject({ code: 'no-common-codec' });
    expect(leg('a').closed).toBe(true);
    expect(engine.legCount).toBe(0);
  });

  it('refuses a leg that was closed while it was opened', async () => {
    let finish = (): void => undefined;
    prepare = (made) => void (made.answering = new Promise((resolve) => (finish = resolve)));
    const opening = open('a');
    engine.closeLeg('a');
    finish();
    await expect(opening).rejects.toBeInstanceOf(SdpRefusal);
    expect(leg('a').closed).toBe(true);
  });

  it('routes a stream that was wanted before it was there, and takes it away when it vanishes', async () => {
    await open('a');
    await open('b');
    engine.receive('b', ['s1', 's1', 's2'], true);
    expect(leg('b').received).toEqual([]);
    expect(leg('b').holdSound).toBe(true);
    leg('a').publish('s1', 's2', 's3');
    expect(leg('b').received).toEqual(['s1', 's2']);
    leg('a').publish('s2');
    expect(leg('b').received).toEqual(['s2']);
    engine.closeLeg('a');
    expect(leg('b').received).toEqual([]);
    expect(engine.statistics().streams).toBe(0);
  });

  it('leaves a leg alone when streams that it does not want change', async () => {
    await open('a');
    await open('b');
    engine.receive('b', ['s1'], false);
    leg('b').calls.length = 0;
    leg('a').publish('other');
    expect(leg('b').calls).toEqual([]);
  });

  it('never gives a leg its own stream, even when asked', async () => {
    await open('a');
    leg('a').publish('mine');
    engine.receive('a', ['mine'], false);
    expect(leg('a').received).toEqual([]);
  });

  it('reports streams with their kinds, and nothing of a leg that was closed', async () => {
    await open('a');
    leg('a').publish('s1');
    expect(facts).toEqual([['streams', 'a', [{ streamId: 's1', alias: 'microphone', kinds: [] }]]]);
    expect(engine.closeLeg('a')).toMatchObject({ packetsSent: 2 });
    facts.length = 0;
    leg('a').publish('s2');
    leg('a').options.events.onConnected();
    leg('a').options.events.onEnded('media-timeout');
    expect(facts).toEqual([]);
    expect(engine.registry.size).toBe(0);
  });

  it('ends a leg that ended itself once, with its statistics', async () => {
    await open('a');
    leg('a').options.events.onEnded('ice-failed');
    leg('a').options.events.onEnded('ice-failed');
    expect(facts).toEqual([['ended', 'a', 'ice-failed', expect.objectContaining({ packetsReceived: 1 })]]);
    expect(engine.closeLeg('a')).toBeNull();
  });

  it('ends a leg that breaks and lets the others go on', async () => {
    await open('a');
    await open('b');
    await open('c');
    engine.receive('b', ['s'], false);
    engine.receive('c', ['s'], false);
    leg('b').failOnReceive = true;
    leg('a').publish('s');
    expect(leg('c').received).toEqual(['s']);
    expect(facts.map(([name, id, reason]) => [name, id, reason])).toContainEqual([
      'ended',
      'b',
      'media-lost',
    ]);
    expect(leg('b').closed).toBe(true);
  });

  it('passes negotiation and permissions on to the leg', async () => {
    await open('a');
    expect(await engine.offer('a')).toBe('offer');
    engine.rollback('a');
    expect(await engine.answer('a', PHONE_OFFER)).toContain('answer');
    await engine.accept('a', 'x');
    engine.setMayPublish('a', ['audio', 'video']);
    expect(leg('a').calls).toEqual(['rollback', 'accept x', 'may publish audio,video']);
  });

  it('says of a leg that is not open that there is none, and closes it without complaint', async () => {
    await expect(engine.answer('x', PHONE_OFFER)).rejects.toBeInstanceOf(UnknownLegError);
    expect(() => engine.receive('x', [], false)).toThrow(UnknownLegError);
    expect(engine.closeLeg('x')).toBeNull();
  });

  it('closes every leg with itself and takes none afterwards', async () => {
    await open('a');
    engine.close();
    engine.close();
    expect(leg('a').closed).toBe(true);
    await expect(open('b')).rejects.toMatchObject({ code: 'overloaded' });
  });
});
