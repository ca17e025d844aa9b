/** Each platform's own way: its recorded webhook, our answer, and the INVITE that it sends because of it, by SIPp. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { createHook, hookUrl, newCall, platformOf, send } from '../support/hooks.js';
import { inviteOf } from '../support/platform-invite.js';
import { platformRequests } from '../support/platform-requests.js';
import { describeWithSipp, expectSipp } from '../support/sipp.js';
import { TestGateway } from '../support/start-gateway.js';

describeWithSipp('a call that a platform sends', () => {
  let gateway: TestGateway;
  let events: EventFollower;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    events = await gateway.follow();
  });
  afterAll(async () => {
    await events.close();
    await gateway.stop();
  });

  function invite(platform: string, body: string) {
    const { uri, headers } = inviteOf(platform, body);
    expect(uri).toContain(`@127.0.0.1:${gateway.sipPort}`);
    const target = `127.0.0.1:${gateway.sipPort}`;
    return expectSipp('call', {
      target,
      values: { uri, headers: [`X-Platform: ${platform}`, ...headers].join('\n') },
    });
  }

  it.each(Object.keys(platformRequests))('by %s’s hook lands in the number’s session', async (platform) => {
    const sessionId = await gateway.rest.createSession();
    const number = await createHook(
      gateway,
      platform,
      { kind: 'session', sessionId },
      { tag: `by ${platform}` },
    );
    const call = newCall();
    const url = hookUrl(gateway, platform, number.id);
    const answer = await send(platformOf(platform).call(url, call));
    expect(answer.status).toBe(200);
    await invite(platform, await answer.text());

    const ofCall = ({ data }: { data: { voiceCallId: string | null } }) => data.voiceCallId === call.id;
    const joined = await events.wait('transfer.joined', ofCall);
    expect(joined).toMatchObject({ sessionId, tag: `by ${platform}`, data: { platform } });
    const completed = await send(platformOf(platform).complete(`${url}/complete`, call));
    expect(completed.status).toBeLessThan(300);
    await events.wait('transfer.completed', ofCall);
    // The participant was made for this call alone.
    await events.wait('participant.deleted', ({ participantId }) => participantId === joined.participantId);
    expect(await gateway.rest.done<unknown[]>('GET', `/sessions/${sessionId}/participants`)).toEqual([]);
  });

  it('by an application on any platform lands in the session of its transfer', async () => {
    const sessionId = await gateway.rest.createSession();
    const { instructions } = await gateway.rest.done<{ instructions: Record<string, { body: string }> }>(
      'POST',
      '/transfers',
      { sessionId, voiceCallId: newCall().id },
    );
    let joins = 0;
    for (const [platform, { body }] of Object.entries(instructions)) {
      await invite(platform, body);
      joins += 1;
      const ofSession = () =>
        events.ofType('participant.joined').filter((event) => event.sessionId === sessionId).length >= joins;
      await events.wait('participant.joined', (event) => event.sessionId === sessionId && ofSession());
      await gateway.idle();
    }
    expect(joins).toBe(10);
  });
});
