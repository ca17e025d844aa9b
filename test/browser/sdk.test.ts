/** The SDK in Chromium against a far end under the test's command; the far end's media is a peer connection in the page. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import type * as Sdk from '../../sdk/src/landbridge.js';
import { ScriptedGateway } from './scripted-gateway.js';

const token = 'aaaa.bbbb.cccc';
const alice = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';
const bob = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000b';

/** What the page keeps between two calls of the test. */
interface PageState {
  connection: Sdk.Connection;
  events: string[];
  far: RTCPeerConnection;
  tone(frequencyHz: number): MediaStream;
  /** Rejects where it is not so within 20 s. */
  until(what: string, isSo: () => boolean): Promise<void>;
  /** Resolves once the frequency is the loudest in the stream. */
  hear(stream: MediaStream, frequencyHz: number): Promise<void>;
}
declare const state: PageState;
declare const sdk: typeof Sdk;

let browser: Browser;
let gateway: ScriptedGateway;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium('--disable-features=WebRtcHideLocalIpsWithMdns');
});
afterAll(() => browser.close());

beforeEach(async () => {
  gateway = await ScriptedGateway.start();
  page = await browser.newPage();
  await page.goto(gateway.origin);
  await page.evaluate(preparePage);
  gateway.onOffer = (offer) => page.evaluate(farAnswer, offer);
});
afterEach(async () => {
  await page.close();
  await gateway.close();
});

describe('connect', () => {
  it('sends the token in User-to-User and an offer that receives one audio stream', async () => {
    await connect();
    const [invite] = gateway.received;
    expect(invite?.startLine).toBe('INVITE sip:join@127.0.0.1 SIP/2.0');
    expect(invite?.headers.get('user-to-user')).toBe(`${token};encoding=jwt`);
    expect(invite?.headers.get('from')).toContain('"Ann"');
    expect(invite?.body.match(/^m=\w+/gm)).toEqual(['m=audio']);
    expect(invite?.body).not.toContain('a=candidate');
    expect(gateway.received[1]?.startLine).toMatch(/^ACK /);
  });

  it('rejects with the code of the gateway’s reason', async () => {
    gateway.onOffer = () =>
      Promise.resolve({ status: 486, headers: ['Reason: SIP;cause=486;text="participant-occupied"'] });
    expect(await connectError(token)).toEqual({ code: 'participant-occupied', sipStatus: 486 });
  });

  it('rejects with connection-failed where nobody listens, and token-invalid without asking anybody', async () => {
    expect(await connectError(token, { url: 'ws://127.0.0.1:9/sip' })).toMatchObject({
      code: 'connection-failed',
    });
    expect(await connectError('nonsense')).toMatchObject({ code: 'token-invalid' });
    expect(gateway.received).toEqual([]);
  });

  it('gives up after its time', async () => {
    gateway.onOffer = () => new Promise(() => undefined);
    expect(await connectError(token, { timeoutMs: 300 })).toMatchObject({ code: 'timeout' });
  });
});

describe('a connection', () => {
  it('publishes with a labelled section, sends, and uses the section again', async () => {
    await connect();
    await page.evaluate(() => state.connection.publish(state.tone(600), { alias: 'my mic' }));
    expect(lastOffer()).toMatch(/a=sendonly[^]*a=label:my%20mic/);
    await farHears(600);
    await page.evaluate(() => state.connection.unpublish(state.connection.publications[0]!));
    expect(lastOffer()).not.toContain('a=label');
    expect(lastOffer()).not.toContain('a=sendonly');
    await page.evaluate(() => state.connection.publish(state.tone(1000)));
    expect(lastOffer()).toContain('a=label:microphone');
    expect(lastOffer()?.match(/^m=/gm)).toHaveLength(2);
    await farHears(1000);
  });

  it('refuses an alias twice and a stream without tracks', async () => {
    await connect();
    const codes = await page.evaluate(async () => {
      const code = (promise: Promise<unknown>) =>
        promise.then(
          () => 'published',
          (error: Sdk.LandbridgeError) => error.code,
        );
      const { connection, tone } = state;
      return [
        await code(connection.publish(tone(500))),
        await code(connection.publish(tone(500))),
        await code(connection.publish(new MediaStream())),
      ];
    });
    expect(codes).toEqual(['published', 'alias-in-use', 'invalid-stream']);
  });

  it('reports streams of the gateway’s offers, and another stream in a section used again', async () => {
    await connect();
    await offerStream(700, alice, 1, 'desk phone');
    expect(await events()).toEqual([`joined ${alice}`, `available ${alice}.1 desk phone AUDIO`]);
    await page.evaluate(() => state.hear(state.connection.streams[0]!.mediaStream, 700));
    await offerStream(900, bob, 4, 'microphone');
    expect(await events()).toEqual([
      `unavailable ${alice}.1`,
      `left ${alice}`,
      `joined ${bob}`,
      `available ${bob}.4 microphone AUDIO`,
    ]);
    await page.evaluate(() => state.hear(state.connection.streams[0]!.mediaStream, 900));
    await offerStream(undefined, bob, 4, 'microphone');
    expect(await events()).toEqual([`unavailable ${bob}.4`, `left ${bob}`]);
  });

  it('answers 491 to an offer that meets its own, and offers again after one that it gets', async () => {
    await connect();
    let refused = 0;
    gateway.onOffer = async (offer) => {
      if (refused > 0) return page.evaluate(farAnswer, offer);
      refused += 1;
      const response = await gateway.request('INVITE', offer);
      expect(response.startLine).toMatch(/^SIP\/2\.0 491 /);
      return { status: 491 };
    };
    await page.evaluate(() => state.connection.publish(state.tone(600)));
    await farHears(600);
  });

  it('undoes a publication that the gateway refuses', async () => {
    await connect();
    gateway.onOffer = () => Promise.resolve({ status: 488 });
    const code = await page.evaluate(() =>
      state.connection.publish(state.tone(600)).catch((error: Sdk.LandbridgeError) => error.code),
    );
    expect(code).toBe('negotiation-failed');
    expect(await page.evaluate(() => state.connection.publications.length)).toBe(0);
    gateway.onOffer = (offer) => page.evaluate(farAnswer, offer);
    await page.evaluate(() => state.connection.publish(state.tone(600)));
    await farHears(600);
  });

  it('ends with the reason of the gateway’s BYE, its streams first', async () => {
    await connect();
    await offerStream(700, alice, 1, 'microphone');
    await events();
    const response = await gateway.request('BYE', '', ['Reason: SIP;cause=200;text="participant-deleted"']);
    expect(response.startLine).toMatch(/^SIP\/2\.0 200 /);
    expect(await events()).toEqual([
      `unavailable ${alice}.1`,
      `unsubscribed ${alice}`,
      'disconnected remote participant-deleted',
    ]);
  });

  it('ends with connection-lost when the WebSocket breaks and it may not reconnect', async () => {
    await connect({ reconnectTimeoutMs: 0 });
    gateway.drop();
    await page.waitForFunction(() => state.events.length > 0);
    expect(await events()).toEqual(['disconnected network connection-lost']);
  });

  it('says BYE once however often it is disconnected', async () => {
    await connect();
    await page.evaluate(() => Promise.all([state.connection.disconnect(), state.connection.disconnect()]));
    expect(await events()).toEqual(['disconnected local hangup']);
    expect(gateway.received.filter(({ startLine }) => startLine.startsWith('BYE'))).toHaveLength(1);
  });

  it('says BYE when the page goes away', async () => {
    await connect();
    await page.goto('about:blank');
    const bye = await gateway.message(({ startLine }) => startLine.startsWith('BYE'));
    expect(bye.headers.get('reason')).toBe('SIP;cause=200;text="hangup"');
  });
});

async function connect(options: Sdk.ConnectOptions = {}): Promise<void> {
  await page.evaluate(
    async ([shown, rest]) => {
      const connection = await sdk.connect(shown, { displayName: 'Ann', ...rest });
      state.connection = connection;
      const note = (text: string) => void state.events.push(text);
      connection.on('participantJoined', ({ participantId }) => note(`joined ${participantId}`));
      connection.on('participantLeft', ({ participantId }) => note(`left ${participantId}`));
      connection.on('participantUnsubscribed', ({ participantId }) => note(`unsubscribed ${participantId}`));
      connection.on('streamAvailable', ({ streamId, alias, mediaTypes }) =>
        note(`available ${streamId} ${alias} ${mediaTypes.join()}`),
      );
      connection.on('streamUnavailable', ({ streamId }) => note(`unavailable ${streamId}`));
      connection.on('disconnected', ({ by, reason }) => note(`disconnected ${by} ${reason}`));
    },
    [token, options] as const,
  );
}

function connectError(shown: string, options: Sdk.ConnectOptions = {}): Promise<unknown> {
  return page.evaluate(
    ([given, rest]) =>
      sdk.connect(given, rest).then(
        () => 'connected',
        ({ code, sipStatus }: Sdk.LandbridgeError) => ({ code, sipStatus }),
      ),
    [shown, options] as const,
  );
}

/** The events since the last call. */
function events(): Promise<string[]> {
  return page.evaluate(() => state.events.splice(0));
}

function lastOffer(): string | undefined {
  return gateway.received.findLast(({ startLine }) => startLine.startsWith('INVITE'))?.body;
}

/** The far end offers its one stream under this name, or nothing in its section. */
async function offerStream(
  toneHz: number | undefined,
  participantId: string,
  n: number,
  alias: string,
): Promise<void> {
  const offer = await page.evaluate(farOffer, [
    toneHz,
    `${participantId}.${n}`,
    encodeURIComponent(alias),
  ] as const);
  const response = await gateway.request('INVITE', offer);
  expect(response.startLine).toMatch(/^SIP\/2\.0 200 /);
  await page.evaluate(
    (answer) => state.far.setRemoteDescription({ type: 'answer', sdp: answer }),
    response.body,
  );
  await page.waitForFunction(() => state.events.length > 0);
}

/** Resolves once the frequency is the loudest of what the far end receives. */
function farHears(frequencyHz: number): Promise<void> {
  return page.evaluate((wanted) => {
    const receiving = state.far
      .getTransceivers()
      .findLast(({ currentDirection }) => currentDirection === 'recvonly');
    return state.hear(new MediaStream([receiving!.receiver.track]), wanted);
  }, frequencyHz);
}

// The functions below run in the page.

function preparePage(): void {
  const context = new AudioContext();
  const prepared: Omit<PageState, 'connection'> = {
    events: [],
    far: new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
    tone(frequencyHz) {
      const oscillator = new OscillatorNode(context, { frequency: frequencyHz });
      const destination = context.createMediaStreamDestination();
      oscillator.connect(destination);
      oscillator.start();
      return destination.stream;
    },
    async until(what, isSo) {
      for (const deadlineMs = performance.now() + 20_000; !isSo();) {
        if (performance.now() > deadlineMs) throw new Error(`${what}: not within 20 s`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async hear(stream, frequencyHz) {
      const element = new Audio();
      element.srcObject = stream;
      element.muted = true;
      const play = element.play();
      const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(stream).connect(analyser);
      const levels = new Float32Array(analyser.frequencyBinCount);
      const bin = Math.round((frequencyHz * analyser.fftSize) / context.sampleRate);
      await prepared.until(`${frequencyHz} Hz are heard`, () => {
        analyser.getFloatFrequencyData(levels);
        const level = Math.max(...levels);
        return level > -50 && Math.abs(levels.indexOf(level) - bin) <= 2;
      });
      await play;
      element.srcObject = null;
    },
  };
  Object.assign(globalThis, { state: prepared });
}

async function farAnswer(offer: string): Promise<string> {
  const { far } = state;
  await far.setRemoteDescription({ type: 'offer', sdp: offer });
  await far.setLocalDescription();
  await state.until('candidates are gathered', () => far.iceGatheringState === 'complete');
  return far.localDescription!.sdp;
}

async function farOffer([toneHz, streamId, label]: readonly [
  number | undefined,
  string,
  string,
]): Promise<string> {
  const { far } = state;
  let section = far
    .getTransceivers()
    .find(({ direction }) => direction === 'sendonly' || direction === 'inactive');
  section ??= far.addTransceiver('audio', { direction: 'sendonly' });
  section.direction = toneHz === undefined ? 'inactive' : 'sendonly';
  await section.sender.replaceTrack(toneHz === undefined ? null : state.tone(toneHz).getTracks()[0]!);
  await far.setLocalDescription();
  await state.until('candidates are gathered', () => far.iceGatheringState === 'complete');
  const { mid } = section;
  return far
    .localDescription!.sdp.split(/^(?=m=)/m)
    .map((text) =>
      text.includes(`a=mid:${mid}\r\n`) && toneHz !== undefined
        ? text.replace(/a=msid:.*\r\n/, `a=msid:${streamId} ${streamId}-a\r\na=label:${label}\r\n`)
        : text,
    )
    .join('');
}
