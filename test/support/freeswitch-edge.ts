/** The phone edge on FreeSWITCH as the gateway composes it, over real media workers. */
import { systemClock } from '../../src/domain/clock.js';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import type { MediaLeg, MediaPlane } from '../../src/domain/media-plane.js';
import { newSrf } from '../../src/doors/sip/srf.js';
import {
  createFreeSwitchPlane,
  type FreeSwitchPlane,
  type FreeSwitchPlaneOptions,
} from '../../src/media/edge/freeswitch-plane.js';
import {
  createMediaPlane,
  type MediaPlaneOptions,
  type WorkerMediaPlane,
} from '../../src/media/worker-media-plane.js';
import { formatTelephoneEvent } from '../../src/media/worker/codec/telephone-event.js';
import { createSipServer } from '../../src/sip-server/index.js';
import { startFreeSwitch, type FreeSwitchForTests } from './freeswitch.js';
import { MediaOwner } from './media-owner.js';
import { giveBackRtpPorts, takeRtpPorts } from './rtp-ports.js';
import { portOf, TestPhone } from './test-phone.js';
import { waitFor } from './wait-for.js';
import { mainConnection } from '../../src/domain/media-plane.js';

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface EdgeForTests {
  readonly plane: FreeSwitchPlane;
  readonly native: WorkerMediaPlane;
  readonly log: readonly LoggedLine[];
  close(): Promise<void>;
}

export type EdgeOptions = Partial<FreeSwitchPlaneOptions> & Pick<FreeSwitchPlaneOptions, 'servers'>;

/** `workerEntry`: where the build has put the media worker; tests have it from `inject('workerEntry')`. */
export async function openEdge(
  options: EdgeOptions,
  workerEntry: string,
  media: Partial<MediaPlaneOptions> = {},
): Promise<EdgeForTests> {
  const log: LoggedLine[] = [];
  const write =
    (level: LoggedLine['level']) =>
    (fields: object, message: string): void => {
      log.push({ level, message, fields: fields as Record<string, unknown> });
    };
  const logger = { info: write('info'), warn: write('warn'), error: write('error') };
  const host = '127.0.0.1';
  const secret = randomUUID();
  const sip = await createSipServer({
    udp: { host, port: 0 },
    tcp: { host, port: 0 },
    admin: { host, port: 0, secret },
  });
  const srf = newSrf();
  srf.on('error', () => undefined);
  srf.connect({ host, port: sip.adminAddress.port, secret });
  await once(srf, 'connect');
  const rtpPorts = await takeRtpPorts(200);
  const native = await createMediaPlane({
    workers: 1,
    rtpPorts,
    bindAddress: host,
    portRestMs: 0,
    logger,
    clock: systemClock,
    workerEntry,
    ...media,
  });
  const plane = await createFreeSwitchPlane({
    clock: systemClock,
    native,
    refuseOwn: (destination) => native.refuseOwn(destination),
    srf,
    listenAddress: host,
    listenPort: 0,
    fallback: 'refuse',
    requestTimeoutMs: 4000,
    longestRetryMs: 500,
    healthMs: 500,
    maxLegsPerServer: 100,
    nodeName: `test-${randomUUID()}`,
    logger,
    ...options,
  });
  return {
    plane,
    native,
    log,
    close: async () => {
      await plane.close();
      srf.disconnect();
      await sip.close();
      giveBackRtpPorts(rtpPorts);
    },
  };
}

export interface EdgeCaller {
  readonly phone: TestPhone;
  readonly leg: MediaLeg;
  readonly owner: MediaOwner;
}

export interface CallOptions {
  readonly law?: 'PCMU' | 'PCMA';
  /** Made of the phone's own where it is a function; null: the edge makes the offer. Default the phone's own. */
  readonly offer?: string | null | ((own: string) => string);
}

/** Calls phones of the test make through an edge. */
export class EdgeCalls {
  readonly callers: EdgeCaller[] = [];
  readonly #plane: MediaPlane;
  #count = 0;

  constructor(plane: MediaPlane) {
    this.#plane = plane;
  }

  async open({ law = 'PCMU', offer }: CallOptions = {}): Promise<EdgeCaller> {
    const phone = await TestPhone.open(law);
    const owner = new MediaOwner();
    const number = this.#count++;
    try {
      const leg = await this.#plane.openLeg({
        legId: `leg-${number}`,
        participantId: `participant-${number}`,
        sessionId: 'session',
        ...mainConnection(
          'phone',
          typeof offer === 'function' ? offer(phone.sdp()) : offer === undefined ? phone.sdp() : offer,
        ),
        mayPublish: ['AUDIO'],
        listener: owner,
      });
      const caller = { phone, leg, owner };
      this.callers.push(caller);
      return caller;
    } catch (error) {
      phone.close();
      throw error;
    }
  }

  /** Opens a call whose phone sends a tone, and waits until the worker hears it. */
  async talking(toneHz: number, options: CallOptions = {}): Promise<EdgeCaller> {
    const caller = await this.open(options);
    caller.phone.talk(portOf(caller.leg.connection('main').localDescription), toneHz);
    await caller.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    return caller;
  }

  /** Each of them receives all the others. */
  async join(...callers: readonly EdgeCaller[]): Promise<void> {
    for (const { leg, owner } of callers) {
      const others = callers.filter((other) => other.owner !== owner);
      const streamIds = others.flatMap((other) => other.owner.streams.map(({ streamId }) => streamId));
      await leg.receive({ main: streamIds }, false);
    }
  }

  close(): void {
    for (const { phone } of this.callers) phone.close();
  }
}

/** What a phone hears in a second, once the sound has settled. */
export async function hear({ phone }: EdgeCaller): Promise<Int16Array> {
  await phone.listen(20);
  return phone.listen(50);
}

export async function expectNoChannels(freeSwitch: FreeSwitchForTests, timeoutMs = 10_000): Promise<void> {
  await waitFor(
    'no channel is left in FreeSWITCH',
    async () => /^0 total/m.test(await freeSwitch.api('show channels count')),
    { timeoutMs },
  );
}

/** FreeSWITCH's names for the channels that it has. */
export async function channelsOf(freeSwitch: FreeSwitchForTests): Promise<string[]> {
  const table = await freeSwitch.api('show channels');
  return [...table.matchAll(/^([0-9a-f]{8}-[0-9a-f-]{27}),/gm)].map(([, uuid = '']) => uuid);
}

/** Presses a key (RFC 4733): a packet for each 20 ms that it lasts, and the end three times. */
export async function press(
  { phone, leg }: { readonly phone: TestPhone; readonly leg: Pick<MediaLeg, 'connection'> },
  event: number,
  packets = 6,
): Promise<void> {
  const payload = new Uint8Array(4);
  const to = portOf(leg.connection('main').localDescription);
  phone.hush();
  const { timestamp } = phone;
  for (let step = 1; step <= packets + 2; step += 1) {
    const duration = Math.min(step, packets) * 160;
    formatTelephoneEvent({ event, end: step >= packets, volume: 10, duration }, payload);
    phone.send(to, payload, { payloadType: 101, samples: 0, marker: step === 1 });
    await phone.listen(1);
  }
  phone.timestamp = timestamp + 160 * (packets + 2);
}

export interface UsedEdge {
  readonly freeSwitch: FreeSwitchForTests;
  readonly edge: EdgeForTests;
  readonly calls: EdgeCalls;
}

/** For the suite it is called in: a FreeSWITCH, and for each test an edge and its calls, which leave no channel and no complaint. */
export function useEdge(): UsedEdge {
  let freeSwitch: FreeSwitchForTests;
  let edge: EdgeForTests;
  let calls: EdgeCalls;
  beforeAll(async () => {
    freeSwitch = (await startFreeSwitch())!;
  });
  afterAll(() => freeSwitch.stop());
  beforeEach(async () => {
    edge = await openEdge({ servers: [freeSwitch.eventSocket] }, inject('workerEntry'));
    calls = new EdgeCalls(edge.plane);
  });
  afterEach(async () => {
    calls.close();
    await edge.close();
    await expectNoChannels(freeSwitch);
    expect(edge.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });
  return {
    get freeSwitch() {
      return freeSwitch;
    },
    get edge() {
      return edge;
    },
    get calls() {
      return calls;
    },
  };
}
