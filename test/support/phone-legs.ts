/** Legs of phones in the test's own process, with a phone at the far end of each. */
import { afterEach, beforeEach, expect } from 'vitest';
import type { LegEvents, LegOptions } from '../../src/media/worker/leg.js';
import { Mixes } from '../../src/media/worker/mix/mixes.js';
import {
  createPhoneLeg,
  type PhoneLeg,
  type PhoneLegSettings,
} from '../../src/media/worker/phone/phone-leg.js';
import { PortAllocator } from '../../src/media/worker/rtp/port-allocator.js';
import { SoundLibrary } from '../../src/media/worker/sound/sound-library.js';
import type { SourceStream } from '../../src/media/worker/source-track.js';
import { TickClock } from '../../src/media/worker/tick-clock.js';
import type { PhoneCodecName } from '../../src/sdp/phone-codecs.js';
import { portOf, TestPhone } from './test-phone.js';
import { holdSound } from '../../src/media/worker/sound/hold-sound.js';
import { SoundLoop } from '../../src/media/worker/sound/sound-loop.js';

export interface Caller {
  readonly phone: TestPhone;
  readonly leg: PhoneLeg;
  readonly streams: () => readonly SourceStream[];
  readonly facts: string[];
  /** Our port, once answered. */
  port: number;
}

type CallerSettings = Partial<
  PhoneLegSettings & Pick<LegOptions, 'signallingAddress' | 'sendsOnceConfirmed'>
>;

export interface PhoneLegs {
  readonly clock: () => TickClock;
  readonly ports: () => PortAllocator;
  /** A phone and its leg, not yet answered. */
  readonly caller: (settings?: CallerSettings, codec?: PhoneCodecName) => Promise<Caller>;
  /** Answered. */
  readonly called: (
    settings?: CallerSettings,
    codec?: PhoneCodecName,
    events?: Partial<LegEvents>,
  ) => Promise<Caller>;
  readonly everyoneHearsTheOthers: () => void;
}

/** Legs that share a tick, mixes and `range` of ports, new for each test and closed behind it. */
export function usePhoneLegs(range: { readonly from: number; readonly to: number }): PhoneLegs {
  let clock: TickClock;
  let mixes: Mixes;
  let ports: PortAllocator;
  let sounds: SoundLibrary;
  let callers: Caller[];

  beforeEach(() => {
    // However long a busy machine keeps the process from its ticks, none is left out: tests count them by their packets.
    clock = new TickClock({ maxCatchUp: Infinity });
    mixes = new Mixes();
    ports = new PortAllocator(range);
    sounds = new SoundLibrary({ maxSeconds: 60, maxBytes: 10_000_000 });
    callers = [];
  });

  afterEach(() => {
    for (const { leg, phone } of callers) {
      leg.close();
      phone.close();
    }
    expect(mixes.size).toBe(0);
    expect(mixes.sourceCount).toBe(0);
    clock.close();
  });

  async function caller(
    settings: CallerSettings = {},
    codec: PhoneCodecName = 'PCMU',
    others: Partial<LegEvents> = {},
  ): Promise<Caller> {
    const phone = await TestPhone.open(codec);
    const facts: string[] = [];
    let streams: readonly SourceStream[] = [];
    const events: LegEvents = {
      onConnected: () => facts.push('connected'),
      onStreams: (now) => (streams = now),
      onKeyDown: () => facts.push('key down'),
      onDtmf: (digit, durationMs) => facts.push(`dtmf ${digit} ${durationMs}`),
      onPlayed: (playbackId, how) => facts.push(`played ${playbackId} ${how}`),
      onHeld: () => undefined,
      onNegotiationNeeded: () => facts.push('negotiation needed'),
      onFault: (error: unknown) => {
        throw error;
      },
      onEnded: (reason) => facts.push(`ended ${reason}`),
      ...others,
    };
    const leg = createPhoneLeg({
      legId: 'leg',
      participantId: `p${callers.length}`,
      mayPublish: new Set(['audio']),
      events,
      ports,
      endpoints: [{ bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1' }],
      tickClock: clock,
      mixes,
      hold: new SoundLoop(holdSound()),
      sounds,
      ...settings,
    });
    const made: Caller = { phone, leg, facts, streams: () => streams, port: 0 };
    callers.push(made);
    return made;
  }

  async function called(
    settings: CallerSettings = {},
    codec: PhoneCodecName = 'PCMU',
    events: Partial<LegEvents> = {},
  ): Promise<Caller> {
    const made = await caller(settings, codec, events);
    made.port = portOf(await made.leg.answer(made.phone.sdp()));
    return made;
  }

  const everyoneHearsTheOthers = (): void => {
    for (const { leg } of callers) {
      leg.receive(
        callers.filter((other) => other.leg !== leg).flatMap((other) => other.streams()),
        false,
      );
    }
  };

  return { clock: () => clock, ports: () => ports, caller, called, everyoneHearsTheOthers };
}
