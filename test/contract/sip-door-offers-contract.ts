/** Offers and answers of a phone, whichever SIP server stands before the door: where they stand, and which meet. */
import { describe, expect, it } from 'vitest';
import { AnsweredCall } from '../integration/drachtio-door.js';
import { audioOffer, sdpType, type RawMessage, type RawSip } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import type { DoorAtHand } from './sip-door-at-hand.js';

const boundary = 'Content-Type: multipart/mixed;boundary=b';
const among = (description: string): string =>
  [
    '--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>',
    `--b\r\nContent-Type: application/sdp\r\n\r\n${description}`,
    '--b--\r\n',
  ].join('\r\n');
const held = (port: number): string => `${audioOffer(port)}a=sendonly\r\n`;

export function sipDoorOffersContract(atHand: DoorAtHand): void {
  const logged = (): readonly string[] => atHand.stage.domain.media.legs[0]?.log ?? [];
  const toMedia = (line: string) =>
    waitFor(`the media hears ${JSON.stringify(line)}`, () => logged().includes(line));
  const isOver = () => waitFor('the call is over', () => atHand.stage.door.callCount === 0);

  /** An INVITE of a participant, up to its final response. */
  async function invite(headers: readonly string[] = [], body = ''): Promise<[RawSip, RawMessage]> {
    const agent = await atHand.stage.agent(atHand.port);
    const { token } = await atHand.stage.domain.participant();
    agent.send(agent.request('INVITE', { headers: [agent.contact, `X-Token: ${token}`, ...headers], body }));
    return [agent, await agent.final('INVITE')];
  }

  async function hangUp(call: AnsweredCall, cseq: number): Promise<void> {
    call.send('BYE', cseq);
    expect((await call.agent.finalTo(cseq, 'BYE')).status).toBe(200);
    await isOver();
  }

  const isEstablished = () =>
    waitFor('the call is established', () => atHand.stage.domain.ofType('call.established').length === 1);

  describe('a body', () => {
    it('of several parts is read in the ACK of an INVITE without offer, and in that of a later one', async () => {
      const [agent, answer] = await invite();
      expect(answer.status).toBe(200);
      const call = new AnsweredCall(agent, answer);
      call.send('ACK', 1, [boundary], among(audioOffer(4000)));
      await toMedia(`accept ${audioOffer(4000)}`);
      await isEstablished();
      call.send('INVITE', 2, [agent.contact]);
      expect((await agent.finalTo(2, 'INVITE')).text).toContain('offer of ours');
      call.send('ACK', 2, [boundary], among(held(4002)));
      await toMedia(`accept ${held(4002)}`);
      await hangUp(call, 3);
    });

    it('that is not understood is refused with 415 and Accept', async () => {
      const [agent, answer] = await invite(['Content-Type: application/isup'], 'ISUP');
      expect(answer.status).toBe(415);
      expect(answer.header('Accept')).toBe('application/sdp, multipart/mixed');
      agent.send(agent.request('ACK', { toTag: tagOf(answer) }));
      await isOver();
    });

    it('that need not be understood is as good as none', async () => {
      const disposition = 'Content-Disposition: signal;handling=optional';
      const [agent, answer] = await invite(['Content-Type: application/isup', disposition], 'ISUP');
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('offer of ours');
      const call = new AnsweredCall(agent, answer);
      call.send('ACK', 1, [sdpType], audioOffer(4000));
      await toMedia(`accept ${audioOffer(4000)}`);
      await hangUp(call, 2);
    });
  });

  describe('an open offer of ours', () => {
    it('whose ACK is lost does not hold up the next INVITE', async () => {
      const call = await atHand.stage.call(atHand.port);
      const { agent } = call;
      call.send('INVITE', 2, [agent.contact]);
      expect((await agent.finalTo(2, 'INVITE')).text).toContain('offer of ours');
      call.send('INVITE', 3, [agent.contact, sdpType], held(4002));
      const answer = await agent.finalTo(3, 'INVITE');
      expect(answer.status).toBe(200);
      expect(answer.text).toContain(`answer to ${held(4002)}`);
      call.send('ACK', 3);
      expect(logged()).toContain('rollback');
      await hangUp(call, 4);
    });

    it('whose first ACK is lost does not hold up the next INVITE', async () => {
      const [agent, answer] = await invite();
      const call = new AnsweredCall(agent, answer);
      call.send('INVITE', 2, [agent.contact, sdpType], audioOffer(4002));
      const again = await agent.finalTo(2, 'INVITE');
      expect(again.status).toBe(200);
      expect(again.text).toContain(`answer to ${audioOffer(4002)}`);
      call.send('ACK', 2);
      await isEstablished();
      await hangUp(call, 3);
    });

    it('meets an UPDATE with an offer: 491 at once, and the call goes on', async () => {
      const call = await atHand.stage.call(atHand.port);
      const { agent } = call;
      call.send('INVITE', 2, [agent.contact]);
      await agent.finalTo(2, 'INVITE');
      call.send('UPDATE', 3, [agent.contact, sdpType], held(4002));
      expect((await agent.finalTo(3, 'UPDATE')).status).toBe(491);
      call.send('ACK', 2, [sdpType], audioOffer(4004));
      await toMedia(`accept ${audioOffer(4004)}`);
      call.send('UPDATE', 4, [agent.contact, sdpType], held(4002));
      expect((await agent.finalTo(4, 'UPDATE')).status).toBe(200);
      await hangUp(call, 5);
    });

    it('in an INVITE of ours meets one of the phone: 491 at once, and both are made later', async () => {
      const call = await atHand.stage.call(atHand.port);
      const { agent } = call;
      atHand.stage.domain.media.legs[0]?.listener.onNegotiationNeeded('main');
      const ours = await call.request('INVITE');
      call.send('INVITE', 2, [agent.contact, sdpType], held(4002));
      expect((await agent.finalTo(2, 'INVITE')).status).toBe(491);
      call.send('ACK', 2);
      agent.received.length = 0;
      agent.answer(ours, '491 Request Pending');
      await call.request('ACK');
      await waitFor('it is taken back', () => logged().includes('rollback'));
      call.send('INVITE', 3, [agent.contact, sdpType], held(4002));
      expect((await agent.finalTo(3, 'INVITE')).status).toBe(200);
      call.send('ACK', 3);
      await hangUp(call, 4);
    });
  });

  it('takes the direction of a hold from the ACK, an offer, and the answer to an offer of ours', async () => {
    const call = await atHand.stage.call(atHand.port);
    const { agent } = call;
    call.send('INVITE', 2, [agent.contact]);
    await agent.finalTo(2, 'INVITE');
    call.send('ACK', 2, [sdpType], held(4000));
    await toMedia(`accept ${held(4000)}`);
    const inactive = `${audioOffer(4000)}a=inactive\r\n`;
    call.send('INVITE', 3, [agent.contact, sdpType], inactive);
    expect((await agent.finalTo(3, 'INVITE')).status).toBe(200);
    call.send('ACK', 3);
    await toMedia(`answer ${inactive}`);
    atHand.stage.domain.media.legs[0]?.listener.onNegotiationNeeded('main');
    const ours = await call.request('INVITE');
    expect(ours.text).toContain('offer of ours');
    const answer = held(4006);
    agent.answer(ours, '200 OK', [agent.contact, sdpType], answer);
    await call.request('ACK');
    await toMedia(`accept ${answer}`);
    await hangUp(call, 4);
  });
}

const tagOf = (answer: RawMessage): string | undefined =>
  /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
