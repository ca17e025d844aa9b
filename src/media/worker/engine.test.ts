import { beforeEach, describe, expect, it } from 'vitest';
import {
  MediaEngine,
  type EngineEvents,
  type LegKind,
  type MediaEngineOptions,
  type OpenedLeg,
  UnknownLegError,
} from './engine.js';
import type { ConnectedLegOptions, Leg, LegConnection, LegStatistics } from './leg.js';
import { noStatistics } from './leg-statistics.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import type { SourceStream } from './source-track.js';

const phoneOffer =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n';

/** A leg that is its own connection `main`; what goes over others is kept apart. */
class FakeLeg implements Leg, LegConnection {
  readonly legId: string;
  readonly connections: ReadonlyMap<string, LegConnection>;
  readonly calls: string[] = [];
  received: string[] = [];
  readonly receivedOver = new Map<string, string[]>();
  holdSound = false;
  closed = false;
  failOnReceive = false;
  refuse: SdpRefusal | null = null;
  answering: Promise<void> = Promise.resolve();

  constructor(
    readonly kind: 'phone' | 'browser',
    readonly options: ConnectedLegOptions,
  ) {
    this.legId = options.legId;
    const other = (name: string): LegConnection => ({
      answer: (offer) => this.answer(offer),
      offer: () => this.offer(),
      accept: (answer) => this.accept(answer),
      rollback: () => this.rollback(),
      receive: (streams) =>
        this.receivedOver.set(
          name,
          streams.map(({ streamId }) => streamId),
        ),
    });
    this.connections = new Map(
      options.connections.map(({ name }) => [name, name === 'main' ? this : other(name)]),
    );
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
    return { ...noStatistics, packetsReceived: 1, packetsSent: 2 };
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
  let engineOptions: MediaEngineOptions;
  let engine: MediaEngine;
  const leg = (id: string): FakeLeg => legs.get(id)!;
  const request = (legId: string) =>
    ({
      legId,
      participantId: `p-${legId}`,
      kind: 'phone',
      mayPublish: ['audio'],
      signallingAddress: null,
      advertisedAddress: null,
    }) as const;
  const open = (
    legId: string,
    offer: string | null = phoneOffer,
    kind: LegKind = 'phone',
  ): Promise<OpenedLeg> =>
    engine.openLeg({ ...request(legId), kind, connections: [{ name: 'main', flow: 'both', offer }] });

  beforeEach(() => {
    legs = new Map();
    facts = [];
    prepare = () => undefined;
    const make = (kind: LegKind) => (options: ConnectedLegOptions) => {
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
      onKeyDown: fact('key-down'),
      onDtmf: fact('dtmf'),
      onPlayed: fact('played'),
      onHeld: fact('held'),
      onNegotiationNeeded: fact('negotiation-needed'),
      onEnded: fact('ended'),
      onFault: fact('fault'),
    };
    engineOptions = {
      factories: {
        phone: (options) => make('phone')({ ...options, connections: [{ name: 'main', flow: 'both' }] }),
        browser: make('browser'),
      },
      events,
      maxLegs: 3,
    };
    engine = new MediaEngine(engineOptions);
  });

  it('makes a leg of the kind that is asked for, and says what it answers or offers', async () => {
    expect(await open('a')).toEqual({ descriptions: { main: `answer to ${phoneOffer.length}` } });
    expect(await open('b', phoneOffer, 'browser')).toMatchObject({
      descriptions: { main: expect.any(String) },
    });
    expect(await open('c', null)).toEqual({ descriptions: { main: 'offer' } });
    expect([leg('a').kind, leg('b').kind, leg('c').kind]).toEqual(['phone', 'browser', 'phone']);
    expect(engine.statistics()).toMatchObject({ phoneLegs: 2, browserLegs: 1 });
  });

  it('opens several connections, those without an offer undescribed', async () => {
    const opened = await engine.openLeg({
      ...request('a'),
      kind: 'browser',
      connections: [
        { name: 'up', flow: 'publish', offer: 'v=0' },
        { name: 'down', flow: 'receive' },
      ],
    });
    expect(opened).toEqual({ descriptions: { up: 'answer to 3' } });
    expect(await engine.connection('a', 'down').offer()).toBe('offer');
  });

  it('sends each stream over the connection that is named for it, and no more streams than a leg may have', async () => {
    engine = new MediaEngine({ ...engineOptions, maxStreamsPerLeg: 3 });
    const connections = (['one', 'two'] as const).map((name) => ({ name, flow: 'receive' as const }));
    await engine.openLeg({ ...request('a'), kind: 'browser', connections });
    await open('b');
    leg('b').publish('s1', 's2', 's3', 's4');
    engine.receive('a', { one: ['s1', 's2'], two: ['s3', 's4'] }, false);
    expect([...leg('a').receivedOver]).toEqual([
      ['one', ['s1', 's2']],
      ['two', ['s3']],
    ]);
    engine.receive('a', { two: ['s1'] }, false);
    expect([...leg('a').receivedOver]).toEqual([
      ['one', []],
      ['two', ['s1']],
    ]);
    expect(() => engine.receive('a', { three: ['s1'] }, false)).toThrow('no connection three');
  });

  it('opens no phone with a connection that a phone has not', async () => {
    const connections = [{ name: 'publish', flow: 'publish' }] as const;
    await expect(engine.openLeg({ ...request('a'), connections })).rejects.toThrow('no connection publish');
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
    await expect(opening).rejects.toMatchObject({ name: 'WorkerRefusal', code: 'overloaded' });
    expect(leg('a').closed).toBe(true);
  });

  it('routes a stream that was wanted before it was there, and takes it away when it vanishes', async () => {
    await open('a');
    await open('b');
    engine.receive('b', { main: ['s1', 's1', 's2'] }, true);
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
    engine.receive('b', { main: ['s1'] }, false);
    leg('b').calls.length = 0;
    leg('a').publish('other');
    expect(leg('b').calls).toEqual([]);
  });

  it('never gives a leg its own stream, even when asked', async () => {
    await open('a');
    leg('a').publish('mine');
    engine.receive('a', { main: ['mine'] }, false);
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
    engine.receive('b', { main: ['s'] }, false);
    engine.receive('c', { main: ['s'] }, false);
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
    const main = engine.connection('a', 'main');
    expect(await main.offer()).toBe('offer');
    main.rollback();
    expect(await main.answer(phoneOffer)).toContain('answer');
    await main.accept('x');
    engine.setMayPublish('a', ['audio', 'video']);
    expect(leg('a').calls).toEqual(['rollback', 'accept x', 'may publish audio,video']);
  });

  it('says of a leg that is not open that there is none, and closes it without complaint', async () => {
    expect(() => engine.connection('x', 'main')).toThrow(UnknownLegError);
    expect(() => engine.receive('x', { main: [] }, false)).toThrow(UnknownLegError);
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
