/** The contract of the SIP door behind each SIP server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnsweredCall, DoorStage, heldNumber, Relay } from '../integration/drachtio-door.js';
import { audioOffer } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import { sipDoorFormsContract } from './sip-door-forms-contract.js';
import { sipDoorOffersContract } from './sip-door-offers-contract.js';
import { sipDoorReplacesContract } from './sip-door-replaces-contract.js';
import type { SipServerUnderTest } from './sip-server-stage.js';

export interface DoorPlace {
  readonly name: string;
  readonly start: () => Promise<SipServerUnderTest>;
  /** Whether it is the gateway's own server, or one beside it. */
  readonly isOwn: boolean;
}

/** What a phone sees of the gateway's SIP door, whichever SIP server stands before it. */
export function sipDoorContract({ name, start, isOwn }: DoorPlace): void {
  describe(`the SIP door behind a SIP server (${name})`, () => {
    let server: SipServerUnderTest;
    let relay: Relay;
    let stage: DoorStage;
    let port: number;
    beforeEach(async () => {
      server = await start();
      relay = await Relay.open(server.admin.port);
      const admin = { ...server.admin, port: relay.port };
      stage = await DoorStage.open(isOwn ? [] : [admin], {}, isOwn ? admin : undefined);
      port = server.sipPort;
    });
    afterEach(async () => {
      await stage.close();
      await relay.close();
      await server.stop();
    });

    const atHand = {
      isOwn,
      get stage() {
        return stage;
      },
      get port() {
        return port;
      },
    };
    sipDoorOffersContract(atHand);
    sipDoorFormsContract(atHand);
    sipDoorReplacesContract(atHand);

    const outcomes = () => stage.domain.ofType('call.ended').map(({ data }) => data.outcome);
    const isOver = () => waitFor('the call is over', () => stage.door.callCount === 0);

    it('refuses with the reason in words, and with Retry-After where it is for a while', async () => {
      const stranger = await stage.agent(port);
      stranger.send(stranger.invite({ body: audioOffer(4000) }));
      const refusal = await stranger.final('INVITE');
      expect(refusal.status).toBe(403);
      expect(refusal.header('Reason')).toBe('SIP;cause=403;text="token-missing"');
      stage.domain.legs.drain();
      const late = await stage.agent(port);
      late.send(late.invite({ headers: ['X-Token: 000000000000'], body: audioOffer(4000) }));
      const draining = await late.final('INVITE');
      expect(draining.status).toBe(503);
      expect(draining.header('Reason')).toBe('SIP;cause=503;text="draining"');
      expect(draining.header('Retry-After')).toBe('5');
      await isOver();
      expect(stage.domain.media.legs).toEqual([]);
    });

    it('takes the phone’s BYE, once, and says 481 to the next', async () => {
      const call = await stage.call(port);
      call.send('BYE', 2);
      expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
      await isOver();
      expect(outcomes()).toMatchObject([{ endedBy: 'participant', reason: 'hangup' }]);
      call.send('BYE', 3);
      expect(await call.agent.finalTo(3, 'BYE')).toMatchObject({ status: 481 });
    });

    it.each(['BYE', 'INFO', 'UPDATE', 'INVITE'])(
      'says 481 to %s of a call that is not there',
      async (method) => {
        const agent = await stage.agent(port);
        const headers = [`Contact: <sip:raw@127.0.0.1:${agent.port}>`];
        agent.send(agent.request(method, { toTag: 'nobody', headers }));
        expect(await agent.final(method)).toMatchObject({ status: 481 });
      },
    );

    it('takes a CANCEL while the caller waits, and lets nobody in afterwards', async () => {
      const agent = await stage.agent(port);
      agent.send(agent.invite({ uri: `sip:${heldNumber}@127.0.0.1`, body: audioOffer(4000) }));
      await waitFor('it is in progress', () => stage.door.callCount === 1);
      agent.send(agent.request('CANCEL', { uri: `sip:${heldNumber}@127.0.0.1` }));
      expect(await agent.final('CANCEL')).toMatchObject({ status: 200 });
      expect(await agent.final('INVITE')).toMatchObject({ status: 487 });
      await stage.letIn();
      await isOver();
      expect(stage.domain.legs.size).toBe(0);
    });

    it('leaves no call behind where a CANCEL crosses the answer', async () => {
      const agent = await stage.agent(port);
      agent.send(agent.invite({ uri: `sip:${heldNumber}@127.0.0.1`, body: audioOffer(4000) }));
      await waitFor('it is in progress', () => stage.door.callCount === 1);
      const letIn = stage.letIn();
      agent.send(agent.request('CANCEL', { uri: `sip:${heldNumber}@127.0.0.1` }));
      await letIn;
      expect(await agent.final('CANCEL')).toMatchObject({ status: 200 });
      const answer = await agent.final('INVITE');
      if (answer.status === 200) {
        const call = new AnsweredCall(agent, answer);
        call.send('ACK', 1);
        call.send('BYE', 2);
        await agent.final('BYE');
      } else expect(answer.status).toBe(487);
      await isOver();
      expect(stage.domain.legs.size).toBe(0);
    });

    it('goes on with a call whose CANCEL came after the answer', async () => {
      const agent = await stage.agent(port);
      const { token } = await stage.domain.participant();
      agent.send(agent.invite({ headers: [`X-Token: ${token}`], body: audioOffer(4000) }));
      const call = new AnsweredCall(agent, await agent.final('INVITE'));
      agent.send(agent.request('CANCEL'));
      await agent.final('CANCEL');
      call.send('ACK', 1);
      call.send('INFO', 2, [`Contact: <sip:raw@127.0.0.1:${agent.port}>`]);
      expect(await agent.final('INFO')).toMatchObject({ status: 200 });
      call.send('BYE', 3);
      expect(await agent.final('BYE')).toMatchObject({ status: 200 });
      await isOver();
      expect(outcomes()).toMatchObject([{ endedBy: 'participant', reason: 'hangup' }]);
    });

    describe('of a press that comes by INFO', () => {
      const five = (end: boolean, durationMs: number) => {
        const octets = Buffer.from([5, end ? 0x8a : 0x0a, 0, 0]);
        octets.writeUInt16BE(durationMs * 8, 2);
        return octets;
      };
      // drachtio-server itself says 400 to a NUL in a body.
      const [begun, ended] = [five(false, 32.125), five(true, 160.125)];
      let call: AnsweredCall;
      let cseq: number;
      beforeEach(async () => {
        call = await stage.call(port);
        cseq = 1;
      });
      afterEach(async () => {
        call.send('BYE', ++cseq);
        await call.agent.final('BYE');
        await isOver();
      });

      async function info(octets: Buffer): Promise<void> {
        cseq += 1;
        const { agent, contact: uri, toTag } = call;
        const text = agent.request('INFO', {
          ...{
            uri,
            toTag,
            cseq,
            branch: `${agent.branch}${String(cseq)}`,
            body: 'octets of it'.slice(0, octets.length),
          },
          headers: [`Contact: <sip:raw@127.0.0.1:${agent.port}>`, 'Content-Type: audio/telephone-event'],
        });
        agent.send(Buffer.concat([Buffer.from(text).subarray(0, -octets.length), octets]));
        await agent.wait(
          `200 to INFO ${cseq}`,
          ({ status, header }) => status === 200 && header('CSeq') === `${cseq} INFO`,
        );
      }
      const inMedia = () => stage.domain.media.legs[0]?.listener.onDtmf('5', 160);
      const keys = () => stage.domain.ofType('dtmf.received').map(({ data }) => data.digit);

      it('as its beginning and its end tells one key, with its length', async () => {
        await info(begun);
        expect(keys()).toEqual([]);
        await info(ended);
        expect(keys()).toEqual(['5']);
        const [press] = stage.domain.ofType('dtmf.received');
        expect(Math.abs((press?.data.durationMs ?? 0) - 160)).toBeLessThanOrEqual(16);
        await info(begun);
        await info(ended);
        expect(keys()).toEqual(['5', '5']);
      });

      it.each([
        ['first', [begun, ended, null]],
        ['in between', [begun, null, ended]],
        ['last', [null, begun, ended]],
      ])('tells one key where the media tells of it too, %s', async (_when, steps) => {
        for (let presses = 1; presses <= 2; presses += 1) {
          for (const step of steps) {
            if (step === null) inMedia();
            else await info(step);
          }
          expect(keys()).toHaveLength(presses);
        }
      });
    });

    it('makes the offer where the INVITE has none', async () => {
      const agent = await stage.agent(port);
      const { token } = await stage.domain.participant();
      agent.send(agent.invite({ headers: [`X-Token: ${token}`] }));
      const answer = await agent.final('INVITE');
      expect(answer.status).toBe(200);
      expect(answer.text.split('\r\n\r\n')[1]).not.toBe('');
      const call = new AnsweredCall(agent, answer);
      call.send('ACK', 1, ['Content-Type: application/sdp'], audioOffer(4000));
      await waitFor('the answer arrived', () =>
        stage.domain.media.legs[0]?.log.some((line) => line.startsWith('accept')),
      );
      call.send('BYE', 2);
      await agent.final('BYE');
      await isOver();
    });

    it('takes a description among other parts in INVITE and re-INVITE, and says 415 and Accept where there is none', async () => {
      const agent = await stage.agent(port);
      const { token } = await stage.domain.participant();
      // drachtio-server itself says 400 to a NUL in a body.
      const octets = isOwn ? '\u0001\u0011\u0000H' : '\u0001\u0011H';
      const isup = `Content-Type: application/isup;version=itu-t92+\r\n\r\n${octets}\r\n`;
      const offers = (text: string) =>
        `--b\r\n${isup}--b\r\nContent-Type: application/sdp\r\n\r\n${text}\r\n--b--\r\n`;
      const type = 'Content-Type: multipart/mixed;boundary=b';
      const contact = `Contact: <sip:raw@127.0.0.1:${agent.port}>`;
      const send = (cseq: number, body: string, toTag?: string) => {
        const branch = `z9hG4bK${agent.tag}${String(cseq)}`;
        const headers = [contact, type, `X-Token: ${token}`];
        agent.send(agent.request('INVITE', { cseq, toTag, branch, headers, body }));
        return agent.finalTo(cseq, 'INVITE');
      };
      const answer = await send(1, offers(audioOffer(4000)));
      expect(answer.status).toBe(200);
      const call = new AnsweredCall(agent, answer);
      call.send('ACK', 1);
      const [leg] = stage.domain.media.legs;
      expect(leg?.connection('main').localDescription).toContain('m=audio 4000');
      const again = await send(2, offers(audioOffer(4002)), call.toTag);
      expect(again.status).toBe(200);
      expect(again.text).toContain('m=audio 4002');
      call.send('ACK', 2);
      const refused = await send(3, `--b\r\n${isup}--b--\r\n`, call.toTag);
      expect(refused.status).toBe(415);
      expect(refused.header('Accept')).toBe('application/sdp, multipart/mixed');
      call.send('ACK', 3);
      call.send('BYE', 4);
      await agent.final('BYE');
      await isOver();
    });

    it('agrees that the phone refreshes the session', async () => {
      const agent = await stage.agent(port);
      const { token } = await stage.domain.participant();
      const headers = [`X-Token: ${token}`, 'Supported: timer', 'Session-Expires: 1800'];
      agent.send(agent.invite({ headers, body: audioOffer(4000) }));
      const answer = await agent.final('INVITE');
      expect(answer.header('Session-Expires')).toBe('1800;refresher=uac');
      expect(answer.header('Require')).toBe('timer');
      const call = new AnsweredCall(agent, answer);
      call.send('ACK', 1);
      const contact = `Contact: <sip:raw@127.0.0.1:${agent.port}>`;
      const again = ['Supported: timer', 'Session-Expires: 1800;refresher=uac'];
      const refresh = [...again, contact, 'Content-Type: application/sdp'];
      call.send('INVITE', 2, refresh, audioOffer(4000));
      const refreshed = await agent.finalTo(2, 'INVITE');
      expect(refreshed).toMatchObject({ status: 200 });
      expect(refreshed.header('Session-Expires')).toBe('1800;refresher=uac');
      call.send('ACK', 2);
      call.send('BYE', 3);
      await agent.final('BYE');
      await isOver();
    });

    it('gives up on a phone that vanished, without waiting for its answer to BYE', async () => {
      await stage.call(port);
      stage.domain.media.legs[0]?.listener.onEnded('media-timeout');
      await isOver();
      expect(outcomes()).toMatchObject([{ reason: 'media-timeout' }]);
    });

    it('ends a call whose connection to the SIP server is cut, and the phone hears of it', async () => {
      const call = await stage.call(port);
      relay.cut();
      await call.hungUp();
      await isOver();
      expect(outcomes()).toMatchObject([{ endedBy: 'gateway', reason: 'connection-lost' }]);
      await waitFor('it is connected again', () => stage.door.isConnected);
      await stage.call(port);
    });

    it('hangs up when it closes, as often as that is asked', async () => {
      const call = await stage.call(port);
      const closed = Promise.all([stage.door.close(), stage.door.close()]);
      const bye = await call.hungUp();
      expect(bye.header('Reason')).toContain('gateway-stopping');
      await closed;
      await stage.door.close();
      // The same one may come again before it is answered.
      const byes = call.agent.received.filter(({ startLine }) => startLine.startsWith('BYE '));
      expect(new Set(byes.map(({ text }) => text)).size).toBe(1);
    });
  });
}
