/** A phone system transfers a caller of ours to another phone (RFC 3891), proved by sound and by what applications are told. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { EventFollower } from '../support/events.js';
import { RawSip } from '../support/raw-sip.js';
import { isBesideFreeSwitch } from '../support/servers-beside.js';
import { TestGateway } from '../support/start-gateway.js';
import { portOf, TestPhone } from '../support/test-phone.js';
import { expectTones } from '../support/tones.js';
import { waitFor } from '../support/wait-for.js';
import { AnsweredCall } from './drachtio-door.js';

/** Packets of 20 ms: those until what changed has passed the jitter buffer, and those that an ear needs. */
const [settlePackets, listenPackets] = [15, 25];

let gateway: TestGateway;
let events: EventFollower;
const open: { close(): unknown }[] = [];
beforeAll(async () => {
  gateway = await TestGateway.start({ environment: { LANDBRIDGE_RTP_PORT_REST_SECONDS: '1' } });
  events = await gateway.follow();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await gateway.idle();
  if (!isBesideFreeSwitch) expect(gateway.openRtpPorts()).toEqual([]);
});
afterAll(async () => {
  await events.close();
  await gateway.stop();
});

interface Phone {
  readonly sip: RawSip;
  readonly phone: TestPhone;
  readonly call: AnsweredCall;
}

/** A phone that is answered, and talks in a tone of its own. */
async function phone(toneHz: number, headers: readonly string[], source = '127.0.0.1'): Promise<Phone> {
  const [sip, media] = [await RawSip.open(gateway.sipPort, source), await TestPhone.open()];
  open.push(sip, media);
  sip.send(sip.invite({ headers, body: media.sdp() }));
  const answer = await sip.final('INVITE');
  expect(answer.status).toBe(200);
  const call = new AnsweredCall(sip, answer);
  call.send('ACK', 1);
  media.talk(portOf(answer.text), toneHz);
  return { sip, phone: media, call };
}

const shown = (token: string): string => `User-to-User: ${token};encoding=jwt`;
const namesOf = ({ sip, call }: Phone): string =>
  `Replaces: ${sip.callId};to-tag=${call.toTag};from-tag=${sip.tag}`;

/** A busy machine begins late: what is to be heard must come, and then nothing else with it. */
async function expectHears(
  listener: Phone,
  heard: readonly number[],
  silent: readonly number[],
): Promise<void> {
  for (let window = 1; ; window += 1) {
    await listener.phone.listen(settlePackets);
    const pcm = await listener.phone.listen(listenPackets);
    try {
      expectTones(pcm, { heard, silent });
      return;
    } catch (error) {
      if (window === 5) throw error;
    }
  }
}

async function hangUp({ sip, call }: Phone): Promise<void> {
  call.send('BYE', 2);
  expect((await sip.final('BYE')).status).toBe(200);
}

it('puts the other phone into the session in the caller’s place, and nobody leaves or joins', async () => {
  const sessionId = await gateway.rest.createSession();
  const [one, two] = [await gateway.rest.newcomer(sessionId), await gateway.rest.newcomer(sessionId)];
  const bob = await phone(1000, [shown(two.token)]);
  const alice = await phone(440, [shown(one.token)]);
  await expectHears(bob, [440], [1000, 1700]);
  const [leg] = (await gateway.rest.legs()).filter(({ callId }) => callId === alice.sip.callId);
  const carol = await phone(1700, [shown(one.token), namesOf(alice)]);
  expect((await alice.call.hungUp()).header('Reason')).toBe('Q.850;cause=16;text="replaced"');
  alice.phone.hush();
  await expectHears(bob, [1700], [440, 1000]);
  await expectHears(carol, [1000], [440, 1700]);
  const told = await events.wait('call.replaced', ({ participantId }) => participantId === one.id);
  expect(told).toMatchObject({
    sessionId,
    data: { legId: leg?.id, callId: carol.sip.callId, replacedCallId: alice.sip.callId },
  });
  expect((await gateway.rest.legs()).filter(({ id }) => id === leg?.id)).toMatchObject([
    { callId: carol.sip.callId, state: 'established' },
  ]);
  await hangUp(carol);
  await hangUp(bob);
  await gateway.idle();
  const ofAlice = (type: 'participant.joined' | 'participant.left' | 'call.ended') =>
    events.ofType(type).filter(({ participantId }) => participantId === one.id).length;
  await waitFor('the end is told', () => ofAlice('call.ended') === 1);
  expect([ofAlice('participant.joined'), ofAlice('participant.left')]).toEqual([1, 1]);
});

it('needs no token over the trunk that the call came over, and does over another', async () => {
  const [pbx, elsewhere] = ['127.0.1.2', '127.0.3.2'];
  await gateway.rest.done('POST', '/trunks', { name: 'pbx', inbound: { networks: [`${pbx}/32`] } });
  const { token } = await gateway.rest.newcomer(await gateway.rest.createSession());
  const alice = await phone(440, [shown(token)], pbx);
  const stranger = await RawSip.open(gateway.sipPort, elsewhere);
  open.push(stranger);
  stranger.send(stranger.invite({ headers: [namesOf(alice)], body: alice.phone.sdp() }));
  expect((await stranger.final('INVITE')).status).toBe(403);
  const carol = await phone(1700, [namesOf(alice)], pbx);
  await alice.call.hungUp();
  await hangUp(carol);
});
