/** What a phone's description may say beside its audio, and what none may: whichever edge reads it. */
import { describe, expect, it } from 'vitest';
import type { EdgeCalls } from '../support/freeswitch-edge.js';
import { portOf } from '../support/test-phone.js';

export function phoneOfferContract(calls: () => EdgeCalls): void {
  describe('a description', () => {
    it.each(['255.255.255.255', '224.0.0.1', '239.1.2.3', '240.0.0.1', '999.1.1.1', 'ff02::1'])(
      'that wants RTP at %s is refused, in an offer, an answer and a later offer',
      async (address) => {
        const at = (own: string): string =>
          own.replaceAll('IN IP4 127.0.0.1', `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`);
        await expect(calls().open({ offer: at })).rejects.toMatchObject({ code: 'bad-sdp' });
        const a = await calls().open({ offer: null });
        const main = a.leg.connection('main');
        await expect(main.accept(at(a.phone.sdp()))).rejects.toMatchObject({ code: 'bad-sdp' });
        const b = await calls().talking(440);
        await expect(b.leg.connection('main').answer(at(b.phone.sdp()))).rejects.toMatchObject({
          code: 'bad-sdp',
        });
        expect(portOf(await b.leg.connection('main').answer(b.phone.sdp()))).toBeGreaterThan(0);
      },
    );

    it('that wants RTP at a port of another call is refused, in an offer, an answer and a later offer', async () => {
      const other = await calls().talking(440);
      const port = portOf(other.leg.connection('main').localDescription);
      const there = (own: string): string => own.replace(/m=audio \d+/, `m=audio ${String(port)}`);
      await expect(calls().open({ offer: there })).rejects.toMatchObject({ code: 'bad-sdp' });
      const a = await calls().open({ offer: null });
      await expect(a.leg.connection('main').accept(there(a.phone.sdp()))).rejects.toMatchObject({
        code: 'bad-sdp',
      });
      const b = await calls().talking(1000);
      await expect(b.leg.connection('main').answer(there(b.phone.sdp()))).rejects.toMatchObject({
        code: 'bad-sdp',
      });
    });

    it('in IN IP6 is answered in IN IP6, or refused as having no codec that can be sent there', async () => {
      const inIpv6 = (own: string): string => own.replaceAll('IN IP4 127.0.0.1', 'IN IP6 ::1');
      const opened = await calls()
        .open({ offer: inIpv6 })
        .catch((error: unknown) => error);
      if (opened instanceof Error) {
        expect(opened).toMatchObject({ code: 'no-common-codec' });
      } else {
        const { leg } = opened as Awaited<ReturnType<EdgeCalls['open']>>;
        expect(leg.connection('main').localDescription).toContain('c=IN IP6 ');
      }
      const a = await calls().talking(440);
      await expect(a.leg.connection('main').answer(inIpv6(a.phone.sdp()))).rejects.toMatchObject({
        code: 'no-common-codec',
      });
    });

    it('without G.711 is taken, or refused in a call that began with it, which goes on', async () => {
      const a = await calls().talking(440);
      const main = a.leg.connection('main');
      const wideband = a.phone.sdp().replace('RTP/AVP 0', 'RTP/AVP 9').replace('0 PCMU', '9 G722');
      const answered = await main.answer(wideband).catch((error: unknown) => error);
      if (answered instanceof Error) expect(answered).toMatchObject({ code: 'no-common-codec' });
      else expect(answered).toContain('a=rtpmap:9 G722/8000');
      expect(await main.answer(a.phone.sdp())).toContain('a=rtpmap:0 PCMU/8000');
    });

    it.each([
      ['a video section without formats', 'm=video 0 RTP/AVP'],
      ['a section of MRCP', 'm=application 9 TCP/MRCPv2'],
      ['a refused audio section without formats', 'm=audio 0 RTP/AVP'],
      ['fax', 'm=image 9 udptl t38'],
    ])('beside %s is taken, and that is refused in its place', async (_what, section) => {
      const { leg } = await calls().open({ offer: (own) => own.replace('m=audio', `${section}\r\nm=audio`) });
      const sections = leg.connection('main').localDescription.match(/^m=.*$/gm);
      expect(sections?.map((line) => Number(line.split(' ')[1]) > 0)).toEqual([false, true]);
      expect(sections?.[0]?.split(' ')[0]).toBe(section.split(' ')[0]);
    });
  });
}
