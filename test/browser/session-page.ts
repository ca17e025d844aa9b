/** A participant in Chromium: a page that joins with the SDK, sounds tones, and listens to what it receives. */
import type { Browser, Page } from 'playwright-core';
import type * as Sdk from '../../sdk/src/landbridge.js';
import type { TestGateway } from '../support/start-gateway.js';
import type { WebApplication } from './web-application.js';

/** What the page keeps between two calls of the test. */
interface PageKit {
  connection: Sdk.Connection;
  events: PageEvent[];
  states: Sdk.ConnectionState[];
  /** A sine at a quarter of full scale. */
  tone(frequencyHz: number): MediaStream;
  /** A picture that moves. */
  picture(): MediaStream;
  listen(stream: Sdk.RemoteStream): void;
  unlisten(stream: Sdk.RemoteStream): void;
  /** The loudest there is at the frequency in what is received, of this participant or of all; dBFS. */
  levelAt(frequencyHz: number, participantId?: string): number;
  /** Video frames shown so far of this participant's stream. */
  frames(participantId: string, alias?: string): number;
}
declare const kit: PageKit;
declare const sdk: typeof Sdk;

export interface PageEvent {
  readonly name: keyof Sdk.ConnectionEvents;
  readonly participantId?: string;
  readonly streamId?: string;
  readonly alias?: string;
  readonly mediaTypes?: readonly string[];
  readonly by?: string;
  readonly reason?: string;
}

export interface ConnectFailure {
  readonly code: string;
  readonly sipStatus?: number;
}

/** Heard: a tone comes at −12 dBFS. Not heard: what codecs and windows leave beside other tones. */
const heardDb = -40;
const unheardDb = -60;
const patienceMs = 30_000;

export class SessionPage {
  readonly page: Page;
  readonly participantId: string;
  /** Errors of the page and of its console. */
  readonly complaints: string[] = [];

  private constructor(page: Page, participantId: string) {
    this.page = page;
    this.participantId = participantId;
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  /** A page that has loaded the SDK and is not connected. */
  static async open(
    browser: Browser,
    application: WebApplication,
    gateway: TestGateway,
    participantId: string,
  ): Promise<SessionPage> {
    const self = new SessionPage(await browser.newPage(), participantId);
    await self.page.goto(application.address(gateway.origin));
    await self.page.waitForFunction(() => 'sdk' in globalThis);
    await self.page.evaluate(installKit);
    return self;
  }

  /** Connects; resolves with null, or with the error's code. */
  connect(
    gateway: Pick<TestGateway, 'origin'>,
    token: string,
    options: Pick<Sdk.ConnectOptions, 'url' | 'reconnectTimeoutMs'> = {},
  ): Promise<ConnectFailure | null> {
    return this.page.evaluate(
      async ([url, shown, rest]) => {
        try {
          kit.connection = await sdk.connect(shown, { url, ...rest });
        } catch (error) {
          const { code, sipStatus } = error as Sdk.LandbridgeError;
          return { code, ...(sipStatus === undefined ? {} : { sipStatus }) };
        }
        const { connection, events } = kit;
        connection.on('streamAvailable', (stream) => kit.listen(stream));
        connection.on('streamChanged', (stream) => kit.listen(stream));
        connection.on('streamUnavailable', (stream) => kit.unlisten(stream));
        for (const name of [
          'participantJoined',
          'streamAvailable',
          'streamChanged',
          'streamUnavailable',
          'participantLeft',
          'participantUnsubscribed',
          'disconnected',
        ] as const) {
          connection.on(name, (event) => {
            const { mediaStream: _, ...plain } = event as Sdk.RemoteStream;
            const {
              streams: __,
              kind: ___,
              attributes: ____,
              ...rest
            } = plain as typeof plain & Sdk.RemoteParticipant;
            events.push({ name, ...rest });
          });
        }
        connection.on('stateChanged', ({ state }) => void kit.states.push(state));
        return null;
      },
      [`${gateway.origin}/sip`, token, options] as const,
    );
  }

  /** Resolves when the gateway has agreed. */
  async publishTone(frequencyHz: number, alias = 'microphone'): Promise<void> {
    await this.page.evaluate(
      async ([hz, name]) => void (await kit.connection.publish(kit.tone(hz), { alias: name })),
      [frequencyHz, alias] as const,
    );
  }

  /** A tone and a moving picture as one stream. */
  async publishToneAndPicture(frequencyHz: number, alias = 'camera'): Promise<void> {
    await this.page.evaluate(
      async ([hz, name]) => {
        const stream = new MediaStream([...kit.tone(hz).getTracks(), ...kit.picture().getTracks()]);
        await kit.connection.publish(stream, { alias: name });
      },
      [frequencyHz, alias] as const,
    );
  }

  /** Through getUserMedia: Chromium's fake microphone beeps, its fake camera shows a moving pattern. */
  async publishDevices(constraints: MediaStreamConstraints): Promise<void> {
    await this.page.evaluate(async (wanted) => {
      await kit.connection.publish(await navigator.mediaDevices.getUserMedia(wanted));
    }, constraints);
  }

  /** Until the tone is heard, from this participant or from anybody. */
  async hears(frequencyHz: number, participantId?: string): Promise<void> {
    await this.page
      .waitForFunction(
        ([hz, id, db]) => kit.levelAt(hz, id) > db,
        [frequencyHz, participantId, heardDb] as const,
        {
          timeout: patienceMs,
        },
      )
      .catch(async () => {
        const level = await this.levelAt(frequencyHz, participantId);
        throw new Error(
          `${frequencyHz} Hz is not heard: ${level} dBFS; ${JSON.stringify(await this.events())}`,
        );
      });
  }

  /** Until the tone is absent. Ask while something else is heard, or it says nothing. */
  async hearsNot(frequencyHz: number): Promise<void> {
    await this.page.waitForFunction(([hz, db]) => kit.levelAt(hz) < db, [frequencyHz, unheardDb] as const, {
      timeout: patienceMs,
    });
  }

  levelAt(frequencyHz: number, participantId?: string): Promise<number> {
    return this.page.evaluate(([hz, id]) => kit.levelAt(hz, id), [frequencyHz, participantId] as const);
  }

  /** Until so many more video frames of the participant were shown. */
  async sees(participantId: string, frames = 10): Promise<void> {
    const before = await this.page.evaluate((id) => kit.frames(id), participantId);
    await this.page.waitForFunction(
      ([id, wanted]) => kit.frames(id) >= wanted,
      [participantId, before + frames] as const,
      { timeout: patienceMs },
    );
  }

  events(): Promise<PageEvent[]> {
    return this.page.evaluate(() => kit.events);
  }

  /** The first event that has these fields, seen already or to come; from the `since`th on. */
  async event(wanted: PageEvent, since = 0): Promise<PageEvent> {
    const handle = await this.page.waitForFunction(
      ([fields, from]) =>
        kit.events
          .slice(from)
          .find((event) =>
            Object.entries(fields).every(([key, value]) => event[key as keyof PageEvent] === value),
          ),
      [wanted, since] as const,
      { timeout: patienceMs },
    );
    return (await handle.jsonValue()) as PageEvent;
  }

  /** Ids, aliases and media types of what it receives now. */
  streams(): Promise<{ participantId: string; alias: string; mediaTypes: readonly string[] }[]> {
    return this.page.evaluate(() =>
      kit.connection.streams.map(({ participantId, alias, mediaTypes }) => ({
        participantId,
        alias,
        mediaTypes,
      })),
    );
  }

  /** Sum of a figure over the RTP streams of a kind, for instance `packetsReceived` of inbound audio. */
  figure(type: 'inbound-rtp' | 'outbound-rtp', mediaKind: 'audio' | 'video', name: string): Promise<number> {
    return this.page.evaluate(
      async ([wantedType, wantedKind, figureName]) => {
        let sum = 0;
        (await kit.connection.getStats()).report.forEach((report: Record<string, unknown>) => {
          if (report['type'] === wantedType && report['kind'] === wantedKind)
            sum += Number(report[figureName] ?? 0);
        });
        return sum;
      },
      [type, mediaKind, name] as const,
    );
  }

  /** States that it went through since `connect`. */
  states(): Promise<Sdk.ConnectionState[]> {
    return this.page.evaluate(() => kit.states);
  }

  /** Until it has been in the state so often. */
  async reaches(state: Sdk.ConnectionState, times = 1): Promise<void> {
    await this.page.waitForFunction(
      ([wanted, often]) => kit.states.filter((one) => one === wanted).length >= often,
      [state, times] as const,
      { timeout: patienceMs },
    );
  }

  isConnected(): Promise<boolean> {
    return this.page.evaluate(() => kit.connection.connected);
  }

  disconnect(): Promise<void> {
    return this.page.evaluate(() => kit.connection.disconnect());
  }

  /** As a browser that dies: no BYE, no goodbye of any kind. */
  async crash(): Promise<void> {
    const crashed = new Promise<void>((resolve) => this.page.once('crash', () => resolve()));
    const session = await this.page.context().newCDPSession(this.page);
    // It never answers: who would?
    void session.send('Page.crash').catch(() => undefined);
    await crashed;
  }

  async close(): Promise<void> {
    if (!this.page.isClosed()) await this.page.close();
  }
}

/** Runs in the page. */
function installKit(): void {
  const context = new AudioContext();
  const heard = new Map<string, { participantId: string; analyser: AnalyserNode; stop: () => void }>();
  const shown = new Map<string, { participantId: string; alias: string; element: HTMLVideoElement }>();
  const installed: Omit<PageKit, 'connection'> = {
    events: [],
    states: [],
    tone(frequencyHz) {
      const oscillator = new OscillatorNode(context, { frequency: frequencyHz });
      const destination = context.createMediaStreamDestination();
      oscillator.connect(new GainNode(context, { gain: 0.25 })).connect(destination);
      oscillator.start();
      return destination.stream;
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
      return canvas.captureStream(15);
    },
    listen(stream) {
      installed.unlisten(stream);
      const { streamId, participantId, alias, mediaStream } = stream;
      if (mediaStream.getAudioTracks().length > 0) {
        // Chromium decodes a remote track for Web Audio only while an element plays it.
        const element = new Audio();
        element.muted = true;
        element.srcObject = mediaStream;
        element.play().catch(() => undefined);
        const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
        const source = context.createMediaStreamSource(mediaStream);
        source.connect(analyser);
        const stop = (): void => {
          source.disconnect();
          element.srcObject = null;
        };
        heard.set(streamId, { participantId, analyser, stop });
      }
      if (mediaStream.getVideoTracks().length > 0) {
        const element = document.createElement('video');
        element.muted = true;
        element.srcObject = mediaStream;
        element.play().catch(() => undefined);
        shown.set(streamId, { participantId, alias, element });
      }
    },
    unlisten({ streamId }) {
      heard.get(streamId)?.stop();
      heard.delete(streamId);
      shown.delete(streamId);
    },
    levelAt(frequencyHz, participantId) {
      let loudest = -200;
      for (const { participantId: id, analyser } of heard.values()) {
        if (participantId !== undefined && id !== participantId) continue;
        const levels = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(levels);
        const bin = Math.round((frequencyHz * analyser.fftSize) / context.sampleRate);
        loudest = Math.max(loudest, ...levels.subarray(bin - 1, bin + 2));
      }
      return loudest;
    },
    frames(participantId, alias) {
      let frames = 0;
      for (const one of shown.values()) {
        if (one.participantId !== participantId || (alias !== undefined && one.alias !== alias)) continue;
        frames += one.element.getVideoPlaybackQuality().totalVideoFrames;
      }
      return frames;
    },
  };
  Object.assign(globalThis, { kit: installed });
}
