/** A call that takes the place of another (RFC 3891), as phones see it, whichever SIP server stands before the door. */
import { expect, it } from 'vitest';
import { AnsweredCall } from '../integration/drachtio-door.js';
import { audioOffer } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import type { DoorAtHand } from './sip-door-at-hand.js';

export function sipDoorReplacesContract(at: DoorAtHand): void {
  const factsOf = (type: 'participant.joined' | 'participant.left' | 'call.ended' | 'call.replaced') =>
    at.stage.domain.ofType(type).length;

  /** A phone in a session, and what names its call. */
  async function standing() {
    const { stage, port } = at;
    const { token } = await stage.domain.participant(await stage.domain.session());
    const agent = await stage.agent(port);
    agent.send(agent.invite({ headers: [`X-Token: ${token}`], body: audioOffer(4000) }));
    const call = new AnsweredCall(agent, await agent.final('INVITE'));
    call.send('ACK', 1);
    await waitFor('it has joined', () => factsOf('participant.joined') === 1);
    return { call, token, names: `${agent.callId};to-tag=${call.toTag};from-tag=${agent.tag}` };
  }

  it('gives a call that names another its place: the other gets BYE, and nobody has joined or left', async () => {
    const { call, token, names } = await standing();
    const agent = await at.stage.agent(at.port);
    const headers = [`X-Token: ${token}`, `Replaces: ${names}`, 'Require: replaces'];
    agent.send(agent.invite({ headers, body: audioOffer(4002) }));
    const answer = await agent.final('INVITE');
    expect(answer.status).toBe(200);
    expect(answer.header('Supported')).toContain('replaces');
    expect(call.agent.received.some(({ startLine }) => startLine.startsWith('BYE'))).toBe(false);
    const next = new AnsweredCall(agent, answer);
    next.send('ACK', 1);
    expect((await call.hungUp()).header('Reason')).toBe('Q.850;cause=16;text="replaced"');
    await waitFor('one call is left', () => at.stage.door.callCount === 1);
    expect([factsOf('participant.joined'), factsOf('participant.left'), factsOf('call.ended')]).toEqual([
      1, 0, 0,
    ]);
    expect(factsOf('call.replaced')).toBe(1);
    next.send('BYE', 2);
    expect(await agent.final('BYE')).toMatchObject({ status: 200 });
    await waitFor('none is left', () => at.stage.door.callCount === 0);
    expect(factsOf('participant.left')).toBe(1);
    // It is known that there was such a call.
    const late = await at.stage.agent(at.port);
    late.send(late.invite({ headers, body: audioOffer(4004) }));
    expect(await late.final('INVITE')).toMatchObject({ status: 603 });
  });

  it('refuses what names no call of ours, or nobody’s right to it, and leaves the call alone', async () => {
    const { call, token, names } = await standing();
    const other = await at.stage.domain.participant();
    const refusals: [token: string, replaces: string, status: number][] = [
      [token, names.replace('to-tag=', 'to-tag=x'), 481],
      [token, `${names};early-only`, 486],
      [token, `${names}\r\nReplaces: ${names}`, 400],
      [token, 'nonsense', 400],
      [other.token, names, 403],
    ];
    for (const [shown, replaces, status] of refusals) {
      const agent = await at.stage.agent(at.port);
      const headers = [`X-Token: ${shown}`, `Replaces: ${replaces}`];
      agent.send(agent.invite({ headers, body: audioOffer(4002) }));
      expect([replaces, (await agent.final('INVITE')).status]).toEqual([replaces, status]);
    }
    await waitFor('one call is left', () => at.stage.door.callCount === 1);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('lets the call go on where the one that was to replace it never confirms', async () => {
    const { call, token, names } = await standing();
    const agent = await at.stage.agent(at.port);
    agent.send(
      agent.invite({ headers: [`X-Token: ${token}`, `Replaces: ${names}`], body: audioOffer(4002) }),
    );
    const next = new AnsweredCall(agent, await agent.final('INVITE'));
    next.send('BYE', 2);
    expect(await agent.final('BYE')).toMatchObject({ status: 200 });
    await waitFor('one call is left', () => at.stage.door.callCount === 1);
    expect(factsOf('call.replaced') + factsOf('participant.left')).toBe(0);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
    await waitFor('none is left', () => at.stage.door.callCount === 0);
  });
}
