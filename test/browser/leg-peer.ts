/** A page in Chromium as the far end of a browser's connection that runs in the test's own process. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import {
  BrowserConnection,
  type BrowserConnectionSettings,
} from '../../src/media/worker/browser/browser-connection.js';
import type { SourceStream } from '../../src/media/worker/source-track.js';

/** What the page keeps between two calls of the test. */
interface PagePeer {
  pc: RTCPeerConnection;
  labels: Map<RTCRtpTransceiver, string>;
  publish(stream: MediaStream, alias: string): void;
  publishTone(frequencyHz: number, alias: string): void;
  publishPicture(alias: string): void;
  unpublish(kind: string): void;
  offer(iceRestart?: boolean): Promise<string>;
  /** As it came: Chromium leaves `a=label` out of what `remoteDescription` gives back. */
  remote: string;
  takeAnswer(answer: string): Promise<void>;
  answer(offer: string): Promise<string>;
  receiving(): { mid: string; kind: string; streamId: string; label: string }[];
  heard(mid: string): Promise<number>;
  framesDecoded(mid: string): Promise<number>;
  audioPlayedS(): Promise<number>;
  heardStream(mid: string): Promise<HeardStream>;
  transportPorts(): Promise<{ selected: number; offered: number }>;
}
declare const peer: PagePeer;

/** What the browser says of a stream that it hears. */
export interface HeardStream {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  /** That of what was played last; 0 before. */
  readonly rtpTimestamp: number;
}

function installPeer(): void {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const context = new AudioContext();
  const analysers = new Map<string, AnalyserNode>();
  const labels = new Map<RTCRtpTransceiver, string>();
  pc.addTransceiver('audio', { direction: 'recvonly' });
  const attribute = (section: string, name: string): string =>
    new RegExp(`^a=${name}:(.*)$`, 'm').exec(section)?.[1]?.trim() ?? '';
  const self: PagePeer = {
    pc,
    labels,
    publish(stream, alias) {
      for (const track of stream.getTracks())
        labels.set(pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] }), alias);
    },
    publishTone(frequencyHz, alias) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequencyHz;
      const destination = context.createMediaStreamDestination();
      oscillator.connect(destination);
      oscillator.start();
      void context.resume();
      self.publish(destination.stream, alias);
    },
    publishPicture(alias) {
      const canvas = document.createElement('canvas');
      canvas.width = 320;
      canvas.height = 240;
      const draw = canvas.getContext('2d');
      let n = 0;
      setInterval(() => {
        if (draw === null) return;
        draw.fillStyle = `hsl(${(n * 7) % 360} 80% 50%)`;
        draw.fillRect(0, 0, 320, 240);
        draw.fillStyle = 'black';
        draw.fillRect(n++ % 300, 100, 20, 40);
      }, 66);
      self.publish(canvas.captureStream(15), alias);
    },
    unpublish(kind) {
      for (const transceiver of pc.getTransceivers()) {
        if (transceiver.sender.track?.kind !== kind) continue;
        transceiver.direction = 'inactive';
        void transceiver.sender.replaceTrack(null);
      }
    },
    async offer(iceRestart = false) {
      await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
      const aliases = new Map([...labels].map(([transceiver, alias]) => [transceiver.mid, alias]));
      return (pc.localDescription?.sdp ?? '')
        .split(/(?=^m=)/m)
        .map((section) => {
          const alias = aliases.get(attribute(section, 'mid'));
          return alias === undefined ? section : `${section}a=label:${encodeURIComponent(alias)}\r\n`;
        })
        .join('');
    },
    remote: '',
    async takeAnswer(answer) {
      self.remote = answer;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    },
    async answer(offer) {
      self.remote = offer;
      await pc.setRemoteDescription({ type: 'offer', sdp: offer });
      await pc.setLocalDescription();
      return pc.localDescription?.sdp ?? '';
    },
    receiving() {
      const sections = self.remote.split(/(?=^m=)/m).slice(1);
      return sections.flatMap((section) => {
        if (!/^a=send(recv|only)\s*$/m.test(section)) return [];
        const [streamId = ''] = attribute(section, 'msid').split(' ');
        const kind = section.slice(2, section.indexOf(' '));
        return [{ mid: attribute(section, 'mid'), kind, streamId, label: attribute(section, 'label') }];
      });
    },
    async heard(mid) {
      let analyser = analysers.get(mid);
      if (analyser === undefined) {
        const track = pc.getTransceivers().find((t) => t.mid === mid)?.receiver.track;
        if (track === undefined) return 0;
        const stream = new MediaStream([track]);
        // Chromium decodes a remote track for Web Audio only while an element plays it.
        const element = new Audio();
        element.muted = true;
        element.srcObject = stream;
        await element.play();
        await context.resume();
        analyser = context.createAnalyser();
        analyser.fftSize = 8192;
        context.createMediaStreamSource(stream).connect(analyser);
        analysers.set(mid, analyser);
      }
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const loudest = bins.reduce((best, level, i) => (level > (bins[best] ?? -Infinity) ? i : best), 0);
      return (bins[loudest] ?? -Infinity) < -70
        ? 0
        : Math.round((loudest * context.sampleRate) / analyser.fftSize);
    },
    async framesDecoded(mid) {
      const receiver = pc.getTransceivers().find((t) => t.mid === mid)?.receiver;
      let frames = 0;
      (await receiver?.getStats())?.forEach((report: { type: string; framesDecoded?: number }) => {
        if (report.type === 'inbound-rtp') frames = report.framesDecoded ?? 0;
      });
      return frames;
    },
    transportPorts() {
      const transport = pc.getReceivers()[0]?.transport?.iceTransport;
      const selected = transport?.getSelectedCandidatePair?.()?.remote?.port ?? 0;
      return Promise.resolve({ selected, offered: Number(/^m=\w+ (\d+)/m.exec(self.remote)?.[1]) });
    },
    async heardStream(mid) {
      const receiver = pc.getTransceivers().find((t) => t.mid === mid)?.receiver;
      let [packetsReceived, packetsLost] = [0, 0];
      (await receiver?.getStats())?.forEach(
        (report: { type: string; packetsReceived?: number; packetsLost?: number }) => {
          if (report.type !== 'inbound-rtp') return;
          packetsReceived = report.packetsReceived ?? 0;
          packetsLost = report.packetsLost ?? 0;
        },
      );
      const rtpTimestamp = receiver?.getSynchronizationSources()[0]?.rtpTimestamp ?? 0;
      return { packetsReceived, packetsLost, rtpTimestamp };
    },
    async audioPlayedS() {
      let seconds = 0;
      (await pc.getStats()).forEach(
        (report: {
          type: string;
          kind?: string;
          totalSamplesDuration?: number;
          concealedSamples?: number;
        }) => {
          if (report.type === 'inbound-rtp' && report.kind === 'audio')
            seconds += (report.totalSamplesDuration ?? 0) - (report.concealedSamples ?? 0) / 48_000;
        },
      );
      return seconds;
    },
  };
  Object.assign(globalThis, { peer: self });
}

export interface Received {
  readonly mid: string;
  readonly kind: string;
  readonly streamId: string;
  readonly label: string;
}

/** Everybody in one room: what one publishes the others receive, unless they are kept from it. */
export class Room {
  readonly peers: LegPeer[] = [];
  readonly extra: SourceStream[] = [];

  constructor(
    readonly settings: BrowserConnectionSettings = {},
    /** What becomes of our descriptions on their way to a page. */
    readonly edit: (description: string) => string = (description) => description,
  ) {}

  route(): void {
    for (const peer of this.peers) {
      const others = this.peers.filter((p) => p !== peer).flatMap((p) => p.streams);
      peer.leg.receive([...others, ...this.extra].filter((s) => !peer.muted.has(s.streamId)));
    }
  }
}

export class LegPeer {
  readonly leg: BrowserConnection;
  readonly muted = new Set<string>();
  streams: readonly SourceStream[] = [];
  connected = 0;
  ended: string | null = null;
  offersMade = 0;
  lastOffer = '';
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    readonly page: Page,
    readonly participantId: string,
    readonly room: Room,
  ) {
    this.leg = new BrowserConnection({
      name: participantId,
      participantId,
      mayPublish: new Set(['audio', 'video'] as const),
      bindAddress: '127.0.0.1',
      ...room.settings,
      events: {
        onConnected: () => void this.connected++,
        onStreams: (streams) => {
          this.streams = streams;
          room.route();
        },
        onKeyDown: () => undefined,
        onDtmf: () => undefined,
        onNegotiationNeeded: () => void this.renegotiate(),
        onFault: (error: unknown) => {
          throw error;
        },
        onEnded: (reason) => void (this.ended = reason),
      },
    });
    room.peers.push(this);
    room.route();
  }

  static async open(browser: Browser, origin: string, participantId: string, room: Room): Promise<LegPeer> {
    const page = await browser.newPage();
    await page.goto(origin);
    await page.evaluate(installPeer);
    return new LegPeer(page, participantId, room);
  }

  #serially<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(run);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** The page offers, the leg answers. */
  offer(iceRestart = false): Promise<void> {
    return this.#serially(async () => {
      this.lastOffer = await this.page.evaluate((restart) => peer.offer(restart), iceRestart);
      const answer = await this.leg.answer(this.lastOffer);
      await this.page.evaluate((sdp) => peer.takeAnswer(sdp), this.room.edit(answer));
    });
  }

  /** The leg offers, the page answers. */
  renegotiate(): Promise<void> {
    return this.#serially(async () => {
      this.offersMade++;
      const answer = await this.page.evaluate(
        (sdp) => peer.answer(sdp),
        this.room.edit(await this.leg.offer()),
      );
      await this.leg.accept(answer);
    });
  }

  publishTone(frequencyHz: number, alias: string): Promise<void> {
    return this.page.evaluate(([hz, name]) => peer.publishTone(hz, name), [frequencyHz, alias] as const);
  }

  publishPicture(alias: string): Promise<void> {
    return this.page.evaluate((name) => peer.publishPicture(name), alias);
  }

  unpublish(kind: 'audio' | 'video'): Promise<void> {
    return this.page.evaluate((k) => peer.unpublish(k), kind);
  }

  receiving(): Promise<Received[]> {
    return this.page.evaluate(() => peer.receiving());
  }

  async receives(label: string, kind: string): Promise<Received> {
    let found: Received | undefined;
    await expect
      .poll(
        async () => (found = (await this.receiving()).find((r) => r.label === label && r.kind === kind)),
        {
          timeout: 10_000,
        },
      )
      .toBeDefined();
    return found as unknown as Received;
  }

  async hears(label: string, frequencyHz: number): Promise<void> {
    const { mid } = await this.receives(label, 'audio');
    await expect
      .poll(async () => Math.abs((await this.page.evaluate((m) => peer.heard(m), mid)) - frequencyHz), {
        timeout: 10_000,
      })
      .toBeLessThanOrEqual(12);
  }

  async sees(label: string, moreFrames = 10): Promise<void> {
    const { mid } = await this.receives(label, 'video');
    const decoded = (): Promise<number> => this.page.evaluate((m) => peer.framesDecoded(m), mid);
    const before = await decoded();
    await expect.poll(decoded, { timeout: 15_000 }).toBeGreaterThanOrEqual(before + moreFrames);
  }

  heardStream(mid: string): Promise<HeardStream> {
    return this.page.evaluate((m) => peer.heardStream(m), mid);
  }

  /** Seconds of audio that came out of all jitter buffers. */
  audioPlayedS(): Promise<number> {
    return this.page.evaluate(() => peer.audioPlayedS());
  }

  /** The port the page sends to, and the one in the leg's last description. */
  transportPorts(): Promise<{ selected: number; offered: number }> {
    return this.page.evaluate(() => peer.transportPorts());
  }

  /** Kinds of all m-sections. */
  sections(): Promise<string[]> {
    return this.page.evaluate(() => [...peer.remote.matchAll(/^m=(\w+)/gm)].map((m) => m[1] ?? ''));
  }

  /** As a browser that dies: nothing comes from it any more. */
  async crash(): Promise<void> {
    const crashed = new Promise<void>((resolve) => this.page.once('crash', () => resolve()));
    const session = await this.page.context().newCDPSession(this.page);
    // It never answers: who would?
    void session.send('Page.crash').catch(() => undefined);
    await crashed;
  }

  closeConnection(): Promise<void> {
    return this.page.evaluate(() => peer.pc.close());
  }

  async close(): Promise<void> {
    this.leg.close();
    if (!this.page.isClosed()) await this.page.close();
  }
}

export async function startBlankOrigin(): Promise<{ origin: string; server: Server }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>peer</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
