/** Pairs of a browser and a phone in a session of their own, each hearing the other. */
import { mainConnection, type MediaLeg, type MediaStreamInfo } from '../src/domain/media-plane.js';
import type { WorkerMediaPlane } from '../src/media/worker-media-plane.js';
import type { BrowserBank } from './browser-bank.js';
import { openPhoneLeg } from './gateway-phones.js';

const none = (): void => undefined;

/** Resolves with the gateway's RTP ports of the phones when everybody is connected and receives the other. */
export async function openPairs(
  plane: WorkerMediaPlane,
  bank: BrowserBank,
  count: number,
): Promise<number[]> {
  const first = bank.pairs;
  const far = await bank.open(count);
  const browsers = await Promise.all(
    far.map(({ offer }, i) => openBrowserLeg(plane, bank, first + i, offer)),
  );
  await bank.connect(browsers.map(({ leg }) => leg.connection('main').localDescription));
  return Promise.all(
    browsers.map(async ({ leg, streamId, renegotiated }, i) => {
      const phone = await openPhoneLeg(plane, `pair-${first + i}`, far[i]!.phonePort);
      await Promise.all([
        phone.leg.receive({ main: [await streamId] }, false),
        leg.receive({ main: [phone.streamId] }, false),
      ]);
      await renegotiated;
      return phone.port;
    }),
  );
}

interface BrowserLeg {
  readonly leg: MediaLeg;
  readonly streamId: Promise<string>;
  /** The browser has answered the offer of what it receives. */
  readonly renegotiated: Promise<void>;
}

async function openBrowserLeg(
  plane: WorkerMediaPlane,
  bank: BrowserBank,
  pair: number,
  offer: string,
): Promise<BrowserLeg> {
  let onStreams: (streams: readonly MediaStreamInfo[]) => void = none;
  let onNegotiationNeeded: () => void = none;
  const streamId = new Promise<string>(
    (resolve) => (onStreams = ([stream]) => stream && resolve(stream.streamId)),
  );
  const needed = new Promise<void>((resolve) => (onNegotiationNeeded = resolve));
  const leg = await plane.openLeg({
    legId: `browser-${pair}`,
    participantId: `browser-${pair}`,
    sessionId: `pair-${pair}`,
    ...mainConnection('browser', offer),
    mayPublish: ['AUDIO'],
    listener: {
      onConnected: none,
      onStreams: (streams) => onStreams(streams),
      onKeyDown: () => undefined,
      onDtmf: none,
      onPlayed: none,
      onHeld: none,
      onNegotiationNeeded: () => onNegotiationNeeded(),
      onEnded: (reason) => console.error(`a browser leg ended: ${reason}`),
    },
  });
  const renegotiated = needed.then(() =>
    inTurn(async () => {
      await leg.connection('main').offer();
      await leg.connection('main').accept(await bank.answer(pair));
    }),
  );
  return { leg, streamId, renegotiated };
}

let turn: Promise<void> = Promise.resolve();

/** The bank answers one question at a time. */
function inTurn(action: () => Promise<void>): Promise<void> {
  turn = turn.then(action);
  return turn;
}
