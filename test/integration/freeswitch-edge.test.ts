import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MediaLeg } from '../../src/domain/media-plane.js';
import { openEdge, type EdgeForTests } from '../support/freeswitch-edge.js';
import { describeWithFreeSwitch, startFreeSwitch, type FreeSwitchForTests } from '../support/freeswitch.js';
import { MediaOwner } from '../support/media-owner.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';

interface Caller {
  readonly phone: TestPhone;
  readonly leg: MediaLeg;
  readonly owner: MediaOwner;
}

describeWithFreeSwitch('phones through FreeSWITCH', () => {
  let freeSwitch: FreeSwitchForTests;
  let edge: EdgeForTests;
  let callers: Caller[];

  beforeAll(async () => {
    freeSwitch = (await startFreeSwitch())!;
  });
  afterAll(() => freeSwitch.stop());

  beforeEach(async () => {
    callers = [];
    edge = await openEdge({ servers: [freeSwitch.eventSocket] });
  });
  afterEach(async () => {
    for (const { phone } of callers) phone.close();
    await edge.close();
    await noChannels();
  });

  const noChannels = () =>
    waitFor('no channel is left', async () => {
      const count = await freeSwitch.api('show channels count');
      return /^0 total/m.test(count) ? true : undefined;
    });

  async function call(law: 'PCMU' | 'PCMA' = 'PCMU'): Promise<Caller> {
    const phone = await TestPhone.open(law);
    const owner = new MediaOwner();
    const number = callers.length;
    const leg = await edge.plane.openLeg({
      legId: `leg-${number}`,
      participantId: `participant-${number}`,
      sessionId: 'session',
      offer: phone.sdp(),
      mayPublish: ['AUDIO'],
      listener: owner,
    });
    const caller = { phone, leg, owner };
    callers.push(caller);
    return caller;
  }

  async function talking(toneHz: number, law: 'PCMU' | 'PCMA' = 'PCMU'): Promise<Caller> {
    const caller = await call(law);
    caller.phone.talk(portOf(caller.leg.localDescription), toneHz);
    await caller.owner.until(({ connected, streams }) => connected === 1 && streams.length === 1);
    return caller;
  }

  const join = (...all: Caller[]) =>
    Promise.all(
      all.map(({ leg, owner }) =>
        leg.receive(
          all
            .filter((other) => other.owner !== owner)
            .flatMap((other) => other.owner.streams.map((s) => s.streamId)),
          false,
        ),
      ),
    );

  it('lets two phones hear each other and not themselves', async () => {
    const [a, b] = [await talking(440), await talking(1000, 'PCMA')];
    await join(a, b);
    await Promise.all([a.phone.listen(20), b.phone.listen(20)]);
    const [atA, atB] = await Promise.all([a.phone.listen(50), b.phone.listen(50)]);
    expectTones(atA, { heard: [1000], silent: [440] });
    expectTones(atB, { heard: [440], silent: [1000] });
    expect(edge.plane.statistics()).toMatchObject([{ isAlive: true, legs: 2, lastError: null }]);
  });
});
