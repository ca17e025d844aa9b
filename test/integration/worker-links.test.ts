import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkConnectOptions, type LinkAddress } from '../../src/media/worker/link/link-address.js';
import { LinkServer, type LinkServerOptions } from '../../src/media/worker/link/link-server.js';
import { StreamImporter } from '../../src/media/worker/link/stream-importer.js';
import { RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import type {
  PacketSink,
  SourceStream,
  SourceTrack,
  TrackKind,
} from '../../src/media/worker/source-track.js';
import { StreamRegistry } from '../../src/media/worker/stream-registry.js';
import { eventually } from '../support/media-owner.js';

const secret = 'a shared secret';

class TestTrack implements SourceTrack {
  readonly streamId = 'p.1';
  readonly codec;
  readonly sinks = new Set<PacketSink>();
  keyFramesAsked = 0;

  constructor(readonly kind: TrackKind) {
    this.codec =
      kind === 'audio'
        ? ({ name: 'opus', clockRateHz: 48_000, channels: 2, parameters: 'useinbandfec=1' } as const)
        : ({ name: 'VP8', clockRateHz: 90_000, channels: 1 } as const);
  }
  addSink(sink: PacketSink): void {
    this.sinks.add(sink);
  }
  removeSink(sink: PacketSink): void {
    this.sinks.delete(sink);
  }
  requestKeyFrame(): void {
    this.keyFramesAsked += 1;
  }
  send(sequenceNumber: number, payloadBytes = 160): void {
    const buffer = Buffer.alloc(12 + payloadBytes, sequenceNumber & 0xff);
    RtpPacket.writeHeader(buffer, {
      payloadType: 111,
      marker: false,
      sequenceNumber,
      timestamp: sequenceNumber * 960,
      ssrc: 0xcafe,
    });
    const packet = new RtpPacket();
    RtpPacket.parse(buffer, packet);
    for (const sink of this.sinks) sink.onPacket(packet, 0);
  }
}

class Listener implements PacketSink {
  readonly sequenceNumbers: number[] = [];
  lastBytes = Buffer.alloc(0);
  onPacket(packet: RtpPacket): void {
    this.sequenceNumbers.push(packet.sequenceNumber);
    this.lastBytes = Buffer.from(packet.buffer);
  }
}

const streamOf = (audio: SourceTrack | null, video: SourceTrack | null, alias = 'camera'): SourceStream => ({
  streamId: 'p.1',
  alias,
  audio,
  video,
});

describe('a link between two workers', () => {
  const leg = { isLocal: true };
  let published: StreamRegistry;
  let registry: StreamRegistry;
  let server: LinkServer;
  let importer: StreamImporter;
  let address: LinkAddress;
  let sent: { packetsSent: number; packetsReceived: number; packetsDropped: number };
  const imported = (): SourceStream | null => registry.get('p.1');

  const serve = async (limits: Pick<LinkServerOptions, 'maxQueuedBytes' | 'helloTimeoutMs'> = {}) => {
    server = new LinkServer({
      registry: published,
      secret: secret,
      counters: sent,
      ...limits,
    });
    address = await server.listen();
  };

  beforeEach(async () => {
    published = new StreamRegistry();
    registry = new StreamRegistry();
    sent = { packetsSent: 0, packetsReceived: 0, packetsDropped: 0 };
    await serve();
    const counters = { packetsSent: 0, packetsReceived: 0, packetsDropped: 0 };
    importer = new StreamImporter({ registry, secret: secret, counters });
  });
  afterEach(async () => {
    importer.close();
    await server.close();
  });

  it('brings a stream with its alias and codecs, and its packets bit for bit, only while somebody listens', async () => {
    const audio = new TestTrack('audio');
    published.publish(leg, [streamOf(audio, null, 'ein Mikrofon – größer')]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    expect(imported()?.alias).toBe('ein Mikrofon – größer');
    expect(imported()?.audio?.codec).toEqual(audio.codec);
    expect(imported()?.video).toBeNull();
    expect(audio.sinks.size).toBe(0);

    const [first, second] = [new Listener(), new Listener()];
    imported()?.audio?.addSink(first);
    imported()?.audio?.addSink(second);
    await eventually(() => audio.sinks.size === 1);
    for (let i = 1; i <= 100; i += 1) audio.send(i);
    await eventually(() => second.sequenceNumbers.length === 100);
    expect(first.sequenceNumbers).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(first.lastBytes.subarray(12)).toEqual(Buffer.alloc(160, 100));

    imported()?.audio?.removeSink(first);
    imported()?.audio?.removeSink(second);
    await eventually(() => audio.sinks.size === 0);
  });

  it('brings a stream that is published after it was asked for, and takes it away when it goes', async () => {
    importer.add('p.1', address);
    published.publish(leg, [streamOf(new TestTrack('audio'), null)]);
    await eventually(() => imported() !== null);
    published.publish(leg, []);
    await eventually(() => imported() === null);
  });

  it('keeps the track that did not change when the stream gets another one, and replaces the one that did', async () => {
    const [audio, video, other] = [new TestTrack('audio'), new TestTrack('video'), new TestTrack('video')];
    published.publish(leg, [streamOf(audio, video)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    const before = imported();
    const listener = new Listener();
    before?.audio?.addSink(listener);
    before?.video?.addSink(listener);
    await eventually(() => video.sinks.size === 1);

    published.publish(leg, [streamOf(audio, other)]);
    await eventually(() => imported()?.video !== before?.video);
    expect(imported()?.audio).toBe(before?.audio);
    expect(audio.sinks.size).toBe(1);
    expect(video.sinks.size).toBe(0);
    imported()?.video?.addSink(listener);
    await eventually(() => other.sinks.size === 1);
    before?.video?.removeSink(listener);
    other.send(7);
    await eventually(() => listener.sequenceNumbers.includes(7));
  });

  it('carries requests for key frames back', async () => {
    const video = new TestTrack('video');
    published.publish(leg, [streamOf(null, video)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    imported()?.video?.requestKeyFrame();
    await eventually(() => video.keyFramesAsked === 1);
  });

  it('drops media rather than queue without bound, counts it, and asks for a key frame once', async () => {
    await server.close();
    await serve({ maxQueuedBytes: 20_000 });
    const video = new TestTrack('video');
    published.publish(leg, [streamOf(null, video)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    const listener = new Listener();
    imported()?.video?.addSink(listener);
    await eventually(() => video.sinks.size === 1);
    for (let i = 0; i < 1000; i += 1) video.send(i, 1000);
    expect(sent.packetsDropped).toBeGreaterThan(900);
    expect(video.keyFramesAsked).toBe(1);
    await eventually(() => listener.sequenceNumbers.length === 1000 - sent.packetsDropped);
    video.send(5000, 1000);
    await eventually(() => listener.sequenceNumbers.at(-1) === 5000);
  });

  it('ends nothing but itself: what is no longer imported stops, and the other end forgets it', async () => {
    const audio = new TestTrack('audio');
    published.publish(leg, [streamOf(audio, null)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    imported()?.audio?.addSink(new Listener());
    await eventually(() => audio.sinks.size === 1);
    importer.remove('p.1');
    expect(imported()).toBeNull();
    await eventually(() => audio.sinks.size === 0);
  });

  it('takes the streams away when the other worker dies', async () => {
    published.publish(leg, [streamOf(new TestTrack('audio'), null)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    await server.close();
    await eventually(() => imported() === null);
  });

  it('does not pass on what came by another link', async () => {
    published.publish({ isLocal: false }, [streamOf(new TestTrack('audio'), null)]);
    published.publish(leg, [{ ...streamOf(null, null), streamId: 'p.2' }]);
    importer.add('p.1', address);
    importer.add('p.2', address);
    await eventually(() => registry.get('p.2') !== null);
    expect(imported()).toBeNull();
  });

  it.each([
    ['another secret', Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 65])],
    ['no hello', Buffer.from([0, 0, 0, 11, 1, 0, 0, 0, 1, 0, 0, 0, 112, 46, 49])],
    ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('hangs up on who comes with %s', async (_, bytes) => {
    const socket = connect(linkConnectOptions(address));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a frame', Buffer.from([0, 0, 0, 23, 0, 0, 0])],
    ['a hello of which a byte is missing', Buffer.from(`\0\0\0\x17\0\0\0\0\0\0\0\0${secret.slice(1)}`)],
  ])('hangs up on who says %s, and on nobody who has said hello', async (_, bytes) => {
    await server.close();
    await serve({ helloTimeoutMs: 500 });
    const audio = new TestTrack('audio');
    published.publish(leg, [streamOf(audio, null)]);
    importer.add('p.1', address);
    await eventually(() => imported() !== null);
    const silent = connect(linkConnectOptions(address));
    silent.on('error', () => undefined);
    silent.write(bytes);
    await once(silent, 'close');
    const listener = new Listener();
    imported()?.audio?.addSink(listener);
    await eventually(() => audio.sinks.size === 1);
    audio.send(1);
    await eventually(() => listener.sequenceNumbers.length === 1);
  });
});
