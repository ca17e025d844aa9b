import { inject } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { createMediaPlane } from '../../src/media/worker-media-plane.js';
import { openEdge } from '../support/freeswitch-edge.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import {
  describeWithOwnFreeSwitch,
  hasOwnFreeSwitch,
  startFreeSwitch,
  type FreeSwitchForTests,
} from '../support/freeswitch.js';
import { phoneEdgeContract, type PhoneEdgeKind } from './phone-edge-contract.js';

const rtpPorts = await takeRtpPorts(200);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

const native: PhoneEdgeKind = {
  name: 'native',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  async open(options) {
    const plane = await createMediaPlane({
      workers: 1,
      rtpPorts,
      bindAddress: '127.0.0.1',
      portRestMs: 0,
      logger: silent,
      clock: systemClock,
      workerEntry: inject('workerEntry'),
      ...options,
    });
    return { plane, workers: plane, close: () => plane.close() };
  },
  channels: () => Promise.resolve(0),
  daemon: null,
  limits: { slowestRtcpMs: 0 },
};

phoneEdgeContract(native);

if (!hasOwnFreeSwitch) process.stdout.write('skipped: FreeSWITCH is not installed\n');
describeWithOwnFreeSwitch('FreeSWITCH', () => {
  let freeSwitch: FreeSwitchForTests;
  phoneEdgeContract({
    name: 'FreeSWITCH',
    async start() {
      const started = await startFreeSwitch();
      if (started === null) throw new Error('FreeSWITCH is not installed');
      freeSwitch = started;
    },
    stop: () => freeSwitch.stop(),
    async open(options) {
      const servers = [freeSwitch.eventSocket];
      const edge = await openEdge({ servers, healthMs: 200 }, inject('workerEntry'), options);
      return { plane: edge.plane, workers: edge.native, close: edge.close };
    },
    async channels() {
      return Number(/^(\d+) total/m.exec(await freeSwitch.api('show channels count'))?.[1] ?? 'NaN');
    },
    daemon: { kill: () => freeSwitch.kill(), restart: () => freeSwitch.restart() },
    limits: {
      movedPort: 'FreeSWITCH stays with the port that it found first',
      rtcpBye: 'FreeSWITCH sends phones no RTCP',
      comfortNoise: 'FreeSWITCH passes no comfort noise on',
      // It looks for RTCP with each packet of RTP, or after five seconds without one.
      slowestRtcpMs: 5000,
    },
  });
});
