/** A device's two connections over real ICE, DTLS and SRTP, and what becomes of it when one of them fails. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createBrowserLeg,
  type BrowserLeg,
  type BrowserLegOptions,
} from '../../src/media/worker/browser/browser-leg.js';
import { direction, mid, msids } from '../../src/sdp/attributes.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';
import type { LegConnection } from '../../src/media/worker/leg.js';
import type { SourceStream } from '../../src/media/worker/source-track.js';
import { FarEnd } from './far-end.js';
import { ToneSource } from './tone-source.js';

const participantId = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';
const microphone = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 0 101',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=sendonly',
  'a=msid:s t',
  'a=label:mic',
  'a=ssrc:11 cname:x',
  'a=rtpmap:101 telephone-event/8000',
];

let options: Omit<BrowserLegOptions, 'connections'>;
let leg: BrowserLeg;
let up: LegConnection;
let down: LegConnection;
let streams: readonly SourceStream[];
let negotiationsAsked: string[];
let connections: number;
let ends: string[];
let keys: string[];
const closing: { close(): void }[] = [];

const keep = <T extends { close(): void }>(one: T): T => {
  closing.push(one);
  return one;
};
const newFarEnd = async (): Promise<FarEnd> => keep(await FarEnd.open());
const tone = (streamId: string): SourceStream => keep(new ToneSource(streamId, 440)).stream;
const aliases = (): string[] => streams.map(({ alias }) => alias);

beforeEach(() => {
  streams = [];
  negotiationsAsked = [];
  connections = 0;
  ends = [];
  keys = [];
  options = {
    legId: 'leg',
    participantId,
    mayPublish: new Set(['audio', 'video'] as const),
    bindAddress: '127.0.0.1',
    connectTimeoutMs: 8000,
    events: {
      onConnected: () => void connections++,
      onStreams: (now) => (streams = now),
      onKeyDown: () => undefined,
      onDtmf: (key) => void keys.push(key),
      onPlayed: () => undefined,
      onHeld: () => undefined,
      onNegotiationNeeded: (name) => void negotiationsAsked.push(name),
      onFault: (error: unknown) => {
        throw error;
      },
      onEnded: (reason) => void ends.push(reason),
    },
  };
  leg = keep(
    createBrowserLeg({
      ...options,
      connections: [
        { name: 'up', flow: 'publish' },
        { name: 'down', flow: 'receive' },
      ],
    }),
  );
  up = leg.connections.get('up')!;
  down = leg.connections.get('down')!;
});
afterEach(() => {
  for (const one of closing.splice(0).reverse()) one.close();
});

async function publish(far: FarEnd): Promise<void> {
  far.connect(await up.answer(far.describe('actpass', microphone)));
  await expect.poll(() => far.isConnected).toBe(true);
}

/** Answers our offer as Bandwidth's client does: passive, taking whatever is sent. */
async function answerOffer(far: FarEnd): Promise<string> {
  const offer = await down.offer();
  const sections = parseSessionDescription(offer).media.map((media) => [
    `m=${media.kind} 9 ${media.protocol} ${media.formats.join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid(media)}`,
    `a=${direction(media) === 'sendonly' ? 'recvonly' : 'inactive'}`,
    ...media.attributes.filter(({ name }) => name === 'rtpmap').map(({ value }) => `a=rtpmap:${value}`),
  ]);
  await down.accept(far.describe('passive', ...sections));
  return offer;
}

async function subscribe(far: FarEnd): Promise<string> {
  const offer = await answerOffer(far);
  if (!far.isConnected) far.connect(offer.replaceAll('a=setup:actpass', 'a=setup:active'));
  await expect.poll(() => far.isConnected).toBe(true);
  return offer;
}

describe('a device', () => {
  it('publishes over one connection and receives over another, of which we make the first offer', async () => {
    const [farUp, farDown] = [await newFarEnd(), await newFarEnd()];
    await publish(farUp);
    expect(aliases()).toEqual(['mic']);
    expect(negotiationsAsked).toEqual([]);
    down.receive([tone('p.1')], false);
    await expect.poll(() => negotiationsAsked.length).toBe(1);
    const offer = parseSessionDescription(await subscribe(farDown));
    expect(offer.media.map((media) => [media.kind, direction(media), msids(media)[0]?.streamId])).toEqual([
      ['audio', 'sendonly', 'p.1'],
    ]);
    await expect.poll(() => farDown.rtp.length).toBeGreaterThan(10);
    expect(farUp.rtp).toEqual([]);
    expect(leg.statistics().packetsSent).toBeGreaterThan(10);
    expect(connections).toBe(1);
  });

  it('receives before it publishes, and never has to publish', async () => {
    const farDown = await newFarEnd();
    down.receive([tone('p.1')], false);
    await expect.poll(() => negotiationsAsked.length).toBe(1);
    await subscribe(farDown);
    await expect.poll(() => farDown.rtp.length).toBeGreaterThan(10);
    down.receive([], false);
    await expect.poll(() => negotiationsAsked.length).toBe(2);
    const ended = parseSessionDescription(await subscribe(farDown));
    expect(ended.media.map((media) => direction(media))).toEqual(['inactive']);
  });

  it('is offered more sections where it did not answer the first offer', async () => {
    down.receive([tone('p.1')], false);
    expect(parseSessionDescription(await down.offer()).media).toHaveLength(1);
    down.rollback();
    const longer = parseSessionDescription(await down.offer());
    expect(longer.media.map((media) => mid(media))).toEqual(Array.from({ length: 64 }, (_, n) => `s${n}`));
    down.rollback();
    const farDown = await newFarEnd();
    await subscribe(farDown);
    await expect.poll(() => farDown.rtp.length).toBeGreaterThan(10);
  });

  it('may offer again after an offer that was refused', async () => {
    await expect(up.answer('v=0\r\n')).rejects.toThrow();
    await expect(up.answer((await newFarEnd()).describe('actpass'))).rejects.toThrow();
    await publish(await newFarEnd());
    expect(aliases()).toEqual(['mic']);
  });

  it('publishes over several connections at once, and stops over one alone', async () => {
    const wide = keep(
      createBrowserLeg({
        ...options,
        connections: ['one', 'two'].map((name) => ({ name, flow: 'publish' as const })),
      }),
    );
    const alias = (name: string): string[] =>
      microphone.map((line) => (line.startsWith('a=label:') ? `a=label:${name}` : line));
    for (const name of ['one', 'two']) {
      const far = await newFarEnd();
      far.connect(await wide.connections.get(name)!.answer(far.describe('actpass', alias(name))));
    }
    expect(aliases()).toEqual(['one', 'two']);
    expect(new Set(streams.map(({ streamId }) => streamId)).size).toBe(2);
    wide.setMayPublish(new Set());
    expect(aliases()).toEqual([]);
    wide.setMayPublish(new Set(['audio']));
    expect(aliases()).toEqual(['one', 'two']);
  });

  it('tells key presses in its audio once each', async () => {
    const far = await newFarEnd();
    await publish(far);
    const press = (sequence: number, end: boolean, duration: number): void =>
      far.sendRtp(11, 101, sequence, 160, Buffer.from([5, end ? 0x8a : 10, duration >> 8, duration & 255]));
    press(1, false, 160);
    press(2, true, 800);
    press(3, true, 800);
    // A press whose end never comes is over all the same.
    far.sendRtp(11, 101, 4, 9600, Buffer.from([11, 10, 0, 160]));
    await expect.poll(() => keys).toEqual(['5', '#']);
  });
});

describe('a device whose connection fails', () => {
  it('no longer publishes, stays, and publishes again when it offers again', async () => {
    await up.answer((await newFarEnd()).describe('actpass', microphone));
    const [before] = streams;
    expect(before?.alias).toBe('mic');
    await expect.poll(aliases).toEqual([]);
    await publish(await newFarEnd());
    expect(aliases()).toEqual(['mic']);
    expect(streams[0]?.streamId).not.toBe(before?.streamId);
    expect(ends).toEqual([]);
  });

  it('is offered what it receives anew, in no fewer sections than it has', async () => {
    down.receive([tone('p.1'), tone('p.2')], false);
    await expect.poll(() => negotiationsAsked.length).toBe(1);
    await answerOffer(await newFarEnd());
    down.receive([], false);
    await expect.poll(() => negotiationsAsked.length).toBe(2);
    await answerOffer(await newFarEnd());
    down.receive([tone('p.3')], false);
    await expect.poll(() => negotiationsAsked.length).toBe(3);
    // Not answered in time, and then the connection is given up.
    await expect.poll(() => negotiationsAsked.length).toBe(4);
    const far = await newFarEnd();
    const offer = parseSessionDescription(await subscribe(far));
    expect(offer.media.map((media) => `${mid(media)} ${media.kind}`)).toEqual([
      's0 audio',
      's1 video',
      's2 audio',
    ]);
    await expect.poll(() => far.rtp.length).toBeGreaterThan(10);
    expect(ends).toEqual([]);
  });
});
