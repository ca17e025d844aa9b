/** Keys out, through FreeSWITCH: each arrives at the carrier once, by the carrier's number. */
import { beforeEach, expect, it } from 'vitest';
import type { EdgeCalls } from '../support/freeswitch-edge.js';
import { hear, useEdge, type EdgeCaller } from '../support/freeswitch-edge.js';
import { describeWithFreeSwitch } from '../support/freeswitch.js';
import { keysIn, pressesIn } from '../support/key-presses.js';
import { portOf } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';

const packetMs = 20;

describeWithFreeSwitch('keys through FreeSWITCH', () => {
  const used = useEdge();
  let calls: EdgeCalls;
  beforeEach(() => {
    ({ calls } = used);
  });

  async function expectKeys({ leg, phone }: EdgeCaller, payloadType: number): Promise<void> {
    const from = phone.heard.length;
    await leg.sendDtmf('155#*0', 160);
    await phone.until(() => keysIn(phone.heard.slice(from)).length >= 6);
    await phone.listen(25);
    const presses = pressesIn(phone.heard.slice(from));
    expect(presses.map(({ key }) => key).join('')).toBe('155#*0');
    for (const press of presses) {
      expect(press).toMatchObject({ payloadType, isRising: true });
      expect(press.ends).toBeGreaterThan(0);
      // By the events' own field, which FreeSWITCH raises by the length of a packet with each one that it sends, however late:
      // so it ends within two packets of what was asked for.
      expect(Math.abs(press.durationMs - 160)).toBeLessThanOrEqual(2 * packetMs);
    }
  }

  it('arrive once per press, and others are heard after', async () => {
    const [a, b] = [await calls.talking(440), await calls.talking(1000)];
    await calls.join(a, b);
    await hear(a);
    await expectKeys(a, 101);
    expectTones(await hear(a), { heard: [1000], silent: [440] });
    expect(keysIn(b.phone.heard)).toBe('');
    expect([...a.owner.digits, ...b.owner.digits]).toEqual([]);
  });

  it.each([
    ['1123', 40],
    ['66', 2000],
  ])('have arrived when they count as sent, however short or long: %s of %i ms', async (keys, durationMs) => {
    const a = await calls.talking(440);
    await a.leg.sendDtmf(keys, durationMs);
    expect(keysIn(a.phone.heard)).toBe(keys);
    expect(pressesIn(a.phone.heard).at(-1)?.ends).toBe(3);
  });

  it('that are on their way when the call ends were not sent', async () => {
    const a = await calls.talking(440);
    const sending = a.leg.sendDtmf('1', 2000);
    const refused = expect(sending).rejects.toMatchObject({ name: 'MediaRefusal', code: 'overloaded' });
    await a.phone.until(() => keysIn(a.phone.heard) === '1');
    await a.leg.close();
    await refused;
  });

  it.each([96, 127])('arrive by the carrier’s payload type %i', async (payloadType) => {
    const a = await calls.talking(440, { offer: (own) => own.replaceAll('101', String(payloadType)) });
    await expectKeys(a, payloadType);
  });

  it('arrive where the INVITE had no offer', async () => {
    const a = await calls.open({ offer: null });
    await expect(a.leg.sendDtmf('1', 160)).rejects.toMatchObject({ code: 'no-telephone-event' });
    await a.leg.connection('main').accept(a.phone.sdp());
    a.phone.talk(portOf(a.leg.connection('main').localDescription), 440);
    await a.owner.until(({ connected }) => connected === 1);
    await expectKeys(a, 101);
  });

  it('are refused where the carrier takes none, wants a number of its own in an answer, or holds', async () => {
    const none = await calls.talking(440, {
      offer: (own) => own.replace(' 101', '').replaceAll(/a=(?:rtpmap|fmtp):101.*\r\n/g, ''),
    });
    await expect(none.leg.sendDtmf('1', 160)).rejects.toMatchObject({ code: 'no-telephone-event' });
    const own = await calls.open({ offer: null });
    await own.leg.connection('main').accept(own.phone.sdp().replaceAll('101', '96'));
    await expect(own.leg.sendDtmf('1', 160)).rejects.toMatchObject({ code: 'no-telephone-event' });
    const a = await calls.talking(440);
    await a.leg.connection('main').answer(a.phone.sdp({ attributes: ['a=sendonly'] }));
    await expect(a.leg.sendDtmf('1', 160)).rejects.toMatchObject({ code: 'on-hold' });
    await a.leg.connection('main').answer(a.phone.sdp());
    await expectKeys(a, 101);
    await a.leg.close();
    await expect(a.leg.sendDtmf('1', 160)).rejects.toMatchObject({ name: 'MediaRefusal' });
  });
});
