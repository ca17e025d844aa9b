/**
 * A media worker whose legs do as the session name (`s=`) of their offer says: `fine`, `refuse`, `throw`, `silence`
 * (never answers), `crash` (an error nobody catches), `hang` (the process never comes back). It knows no media.
 */
import type { Leg, LegConnection, LegOptions } from '../../src/media/worker/leg.js';
import { runWorker } from '../../src/media/worker/run-worker.js';
import { SdpRefusal } from '../../src/sdp/sdp-refusal.js';
import { TickClock } from '../../src/media/worker/tick-clock.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';

const none = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsFromStrangers: 0,
  jitterMs: 0,
  audio: null,
};

function createLeg({ legId, participantId, events }: LegOptions): Leg {
  const main: LegConnection = {
    async answer(offer) {
      switch (parseSessionDescription(offer).sessionName) {
        case 'refuse':
          throw new SdpRefusal('no-common-codec', 'told to refuse');
        case 'throw':
          throw new Error('told to throw');
        case 'silence':
          return new Promise(() => undefined);
        case 'crash':
          setImmediate(() => {
            throw new Error('told to crash');
          });
          return new Promise(() => undefined);
        case 'hang':
          for (;;);
      }
      events.onStreams([{ streamId: `${participantId}.1`, alias: 'microphone', audio: null, video: null }]);
      events.onConnected();
      return `answer for ${participantId}`;
    },
    offer: () => Promise.resolve('an offer'),
    accept: () => Promise.resolve(),
    rollback: () => undefined,
    // Tells what it was given in the only words that a leg has for its owner.
    receive: (streams) => events.onDtmf(streams.map(({ streamId }) => streamId).join(), 0),
  };
  return {
    legId,
    kind: 'phone',
    connections: new Map([['main', main]]),
    setMayPublish: () => undefined,
    statistics: () => none,
    close: () => undefined,
  };
}

const tickClock = new TickClock();
runWorker(() => ({
  factories: { phone: createLeg, browser: createLeg },
  tickClock,
  portsTakenUnrested: () => 0,
  refuseOwn: () => Promise.resolve(),
  ownsPort: () => Promise.resolve(true),
  close: () => Promise.resolve(tickClock.close()),
}));
