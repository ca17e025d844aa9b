/** A participant in Chromium that joins with Bandwidth's own package, unmodified, and listens to what it receives. */
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { fileURLToPath } from 'node:url';

interface RtcStream {
  readonly endpointId: string;
  readonly mediaStream: MediaStream;
  readonly mediaTypes: readonly string[];
  readonly alias?: string;
  readonly participantId?: string;
}

/** What is used of the package; its delegate and sockets are private, and looked at for proof only. */
interface BandwidthRtc {
  connect(auth: { deviceToken: string }, options: { websocketUrl: string }): Promise<void>;
  publish(stream: MediaStream, onLevel?: undefined, alias?: string): Promise<RtcStream>;
  unpublish(...streamIds: string[]): Promise<void>;
  sendDtmf(tones: string, streamId?: string): void;
  disconnect(): void;
  onStreamAvailable(listener: (stream: RtcStream) => void): void;
  onStreamUnavailable(listener: (streamId: string) => void): void;
  readonly delegate: {
    offerPublishSdp(restartIce: boolean): Promise<unknown>;
    readonly publishingPeerConnection?: RTCPeerConnection;
    readonly subscribingPeerConnection?: RTCPeerConnection;
    readonly publishHeartbeatDataChannel?: RTCDataChannel;
  };
}

interface Kit {
  rtc: BandwidthRtc;
  context: AudioContext;
  sockets: WebSocket[];
  closes: { code: number; reason: string }[];
  events: DeviceEvent[];
  live: Map<string, { stream: RtcStream; analyser: AnalyserNode; element: HTMLVideoElement }>;
  tone(frequencyHz: number): MediaStreamTrack;
  picture(): MediaStreamTrack;
  levelAt(frequencyHz: number, participantId?: string): number;
}
declare const kit: Kit;

export interface DeviceEvent {
  readonly name: 'available' | 'unavailable';
  readonly streamId: string;
  readonly participantId?: string;
  readonly alias?: string;
  readonly mediaTypes?: readonly string[];
}

export interface Published {
  readonly streamId: string;
  readonly mediaTypes: readonly string[];
  readonly alias?: string;
}

const heardDb = -40;
const unheardDb = -60;
const patienceMs = 30_000;

let bundle: Promise<string> | undefined;

/** The package as a web application's bundler makes it. */
function bundlePackage(): Promise<string> {
  bundle ??= build({
    stdin: {
      contents: `import Rtc from '@bandwidth/webrtc-browser'; globalThis.BandwidthRtc = Rtc;`,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  return bundle;
}

export class BandwidthPage {
  readonly page: Page;
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(browser: Browser, address: string): Promise<BandwidthPage> {
    const self = new BandwidthPage(await browser.newPage());
    await self.page.goto(address);
    await self.page.addScriptTag({ content: await bundlePackage() });
    await self.page.evaluate(installKit);
    return self;
  }

  /** Resolves when the package says that it is connected. */
  connect(httpPort: number, token: string): Promise<void> {
    return this.page.evaluate(
      ([deviceToken, websocketUrl]) => kit.rtc.connect({ deviceToken }, { websocketUrl }),
      [token, `ws://127.0.0.1:${httpPort}`] as const,
    );
  }

  /** Begins to connect, and does not wait: a refused package never settles. */
  beginToConnect(httpPort: number, token: string): Promise<void> {
    return this.page.evaluate(
      ([deviceToken, websocketUrl]) => void kit.rtc.connect({ deviceToken }, { websocketUrl }),
      [token, `ws://127.0.0.1:${httpPort}`] as const,
    );
  }

  publishTone(frequencyHz: number, alias?: string, withPicture = false): Promise<Published> {
    return this.page.evaluate(
      async ([hz, name, video]) => {
        const tracks = [kit.tone(hz), ...(video ? [kit.picture()] : [])];
        const {
          endpointId,
          mediaTypes,
          alias: given,
        } = await kit.rtc.publish(new MediaStream(tracks), undefined, name);
        return { streamId: endpointId, mediaTypes, ...(given === undefined ? {} : { alias: given }) };
      },
      [frequencyHz, alias, withPicture] as const,
    );
  }

  unpublish(...streamIds: readonly string[]): Promise<void> {
    return this.page.evaluate((ids) => kit.rtc.unpublish(...ids), [...streamIds]);
  }

  sendDtmf(tones: string): Promise<void> {
    return this.page.evaluate((keys) => kit.rtc.sendDtmf(keys), tones);
  }

  disconnect(): Promise<void> {
    return this.page.evaluate(() => kit.rtc.disconnect());
  }

  /** What the package does by itself when its publishing connection has failed. */
  async restartIce(): Promise<void> {
    await this.page.evaluate(async () => void (await kit.rtc.delegate.offerPublishSdp(true)));
  }

  /** As a network does it that loses the signalling and nothing else. */
  async loseSocket(): Promise<void> {
    await this.page.evaluate(() => kit.sockets.at(-1)?.close(4000));
  }

  /** Until it has opened so many sockets, all but the last gone. */
  async connections(count: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => kit.sockets.length >= wanted && kit.sockets.at(-1)?.readyState === WebSocket.OPEN,
      count,
      { timeout: patienceMs },
    );
  }

  /** The first close that its sockets were told. */
  async closed(): Promise<{ code: number; reason: string }> {
    const handle = await this.page.waitForFunction(() => kit.closes[0], undefined, { timeout: patienceMs });
    return (await handle.jsonValue()) as { code: number; reason: string };
  }

  socketCount(): Promise<number> {
    return this.page.evaluate(() => kit.sockets.length);
  }

  /** Answers PING on the publishing connection's heartbeat. */
  heartbeat(): Promise<string> {
    return this.page.evaluate(async () => {
      const channel = kit.rtc.delegate.publishHeartbeatDataChannel;
      if (channel === undefined) throw new Error('there is no heartbeat channel');
      if (channel.readyState !== 'open')
        await new Promise((resolve) => channel.addEventListener('open', resolve, { once: true }));
      const answer = new Promise<string>((resolve) =>
        channel.addEventListener('message', ({ data }) => resolve(String(data)), { once: true }),
      );
      channel.send('PING');
      return answer;
    });
  }

  /** Signalling and ICE states of the publishing and of the subscribing connection. */
  states(): Promise<readonly (string | undefined)[]> {
    return this.page.evaluate(() => {
      const { publishingPeerConnection: p, subscribingPeerConnection: s } = kit.rtc.delegate;
      return [p?.signalingState, p?.connectionState, s?.signalingState, s?.connectionState];
    });
  }

  /** m-sections of the subscribing connection. */
  sections(): Promise<number> {
    return this.page.evaluate(
      () => kit.rtc.delegate.subscribingPeerConnection?.remoteDescription?.sdp.match(/^m=/gm)?.length ?? 0,
    );
  }

  async hears(frequencyHz: number, participantId?: string, timeout = patienceMs): Promise<void> {
    await this.page
      .waitForFunction(
        ([hz, id, db]) => kit.levelAt(hz, id) > db,
        [frequencyHz, participantId, heardDb] as const,
        { timeout },
      )
      .catch(async () => {
        const states = await this.states();
        const events = JSON.stringify(await this.events());
        throw new Error(`${frequencyHz} Hz is not heard; ${states.join(' ')}; ${events}`);
      });
  }

  async hearsNot(frequencyHz: number): Promise<void> {
    await this.page.waitForFunction(([hz, db]) => kit.levelAt(hz) < db, [frequencyHz, unheardDb] as const, {
      timeout: patienceMs,
    });
  }

  /** Until ten more frames of this participant's video were decoded. */
  async sees(participantId: string): Promise<void> {
    const frames = (): Promise<number> =>
      this.page.evaluate((id) => {
        const found = [...kit.live.values()].find(({ stream }) => stream.participantId === id);
        return found?.element.getVideoPlaybackQuality().totalVideoFrames ?? 0;
      }, participantId);
    const before = await frames();
    await this.page.waitForFunction(
      ([id, wanted]) => {
        const found = [...kit.live.values()].find(({ stream }) => stream.participantId === id);
        return (found?.element.getVideoPlaybackQuality().totalVideoFrames ?? 0) >= wanted;
      },
      [participantId, before + 10] as const,
      { timeout: patienceMs },
    );
  }

  events(): Promise<DeviceEvent[]> {
    return this.page.evaluate(() => kit.events);
  }

  /** The first event with these fields, seen already or to come; from the `since`th on. */
  async event(wanted: Partial<DeviceEvent>, since = 0): Promise<DeviceEvent> {
    const handle = await this.page.waitForFunction(
      ([fields, from]) =>
        kit.events
          .slice(from)
          .find((event) =>
            Object.entries(fields).every(([key, value]) => event[key as keyof DeviceEvent] === value),
          ),
      [wanted, since] as const,
      { timeout: patienceMs },
    );
    return (await handle.jsonValue()) as DeviceEvent;
  }

  /** Leaves where it is connected: the package fails where it is not. */
  async close(): Promise<void> {
    if (this.page.isClosed()) return;
    const isOpen = await this.page.evaluate(() => kit.sockets.at(-1)?.readyState === WebSocket.OPEN);
    if (isOpen) await this.disconnect();
    await this.page.close();
  }
}

/** Runs in the page. */
function installKit(): void {
  const context = new AudioContext();
  const NativeSocket = globalThis.WebSocket;
  const Rtc = (globalThis as unknown as { BandwidthRtc: new () => BandwidthRtc }).BandwidthRtc;
  const installed: Kit = {
    rtc: new Rtc(),
    context,
    sockets: [],
    closes: [],
    events: [],
    live: new Map(),
    tone(frequencyHz) {
      const oscillator = new OscillatorNode(context, { frequency: frequencyHz });
      const destination = context.createMediaStreamDestination();
      oscillator.connect(new GainNode(context, { gain: 0.25 })).connect(destination);
      oscillator.start();
      return destination.stream.getAudioTracks()[0] as MediaStreamTrack;
    },
    picture() {
      const canvas = document.createElement('canvas');
      const draw = canvas.getContext('2d');
      let frame = 0;
      setInterval(() => {
        if (draw === null) return;
        draw.fillStyle = `hsl(${(frame++ * 7) % 360} 80% 50%)`;
        draw.fillRect(0, 0, canvas.width, canvas.height);
      }, 66);
      return canvas.captureStream(15).getVideoTracks()[0] as MediaStreamTrack;
    },
    levelAt(frequencyHz, participantId) {
      let loudest = -200;
      for (const { stream, analyser } of installed.live.values()) {
        if (participantId !== undefined && stream.participantId !== participantId) continue;
        const levels = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(levels);
        const bin = Math.round((frequencyHz * analyser.fftSize) / context.sampleRate);
        loudest = Math.max(loudest, ...levels.subarray(bin - 1, bin + 2));
      }
      return loudest;
    },
  };
  globalThis.WebSocket = class extends NativeSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      installed.sockets.push(this);
      this.addEventListener('close', ({ code, reason }) => installed.closes.push({ code, reason }));
    }
  };
  const { rtc, events, live } = installed;
  rtc.onStreamAvailable((stream) => {
    const { endpointId, participantId, alias, mediaTypes, mediaStream } = stream;
    events.push({
      name: 'available',
      streamId: endpointId,
      ...(participantId === undefined ? {} : { participantId }),
      ...(alias === undefined ? {} : { alias }),
      mediaTypes,
    });
    const element = document.createElement('video');
    // Chromium decodes a remote track for Web Audio only while an element plays it.
    element.muted = true;
    element.srcObject = mediaStream;
    element.play().catch(() => undefined);
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
    if (mediaStream.getAudioTracks().length > 0)
      context.createMediaStreamSource(mediaStream).connect(analyser);
    live.set(endpointId, { stream, analyser, element });
  });
  rtc.onStreamUnavailable((streamId) => {
    events.push({ name: 'unavailable', streamId });
    live.delete(streamId);
  });
  Object.assign(globalThis, { kit: installed });
}
