/** What strangers send through a drachtio-server: it lives, we write nothing that it cannot take, and calls go on. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DoorStage, realServer, Relay, StandIn, type OutsideServer } from './drachtio-door.js';
import { account } from '../support/domain-fixture.js';
import { describeWithOwnDrachtio } from '../support/drachtio.js';
import { audioOffer, type RawSip } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';

/** The ring that drachtio-server reads us into. */
const ringBytes = 12_228;

const evilContacts = [
  '*',
  '[sip:x@y]',
  '<[sip:x@y]>',
  '<tel:+15550100>',
  '*,<sip:a@127.0.0.1>',
  '"sip:a@b" <tel:1>',
  '<>',
  '<sip:>',
  '<sip:@>',
  'x',
  '<sip:a@b',
  '<sip:a@b>,<sip:c@d>',
  '<sip:a@127.0.0.1:99999>',
  `<sip:a@${'b'.repeat(3000)}>`,
  null,
];

function suite(start: () => Promise<OutsideServer>): void {
  let server: OutsideServer;
  let relay: Relay;
  let stage: DoorStage;
  beforeEach(async () => {
    server = await start();
    relay = await Relay.open(server.admin.port);
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }]);
  });
  afterEach(async () => {
    expect(stage.door.statistics()).toMatchObject([{ connected: true, deaf: false, reconnects: 0 }]);
    expect(relay.largestFrame).toBeGreaterThan(0);
    expect(relay.largestFrame).toBeLessThanOrEqual(ringBytes);
    await stage.close();
    await relay.close();
    await server.stop();
  });

  async function token(): Promise<string> {
    return (await stage.domain.sessions.createParticipant(account, {})).token;
  }

  /** An INVITE of this agent with header lines in the place of its own. */
  async function invite(agent: RawSip, changes: Record<string, string | null>, body = audioOffer(4000)) {
    const text = agent.invite({ headers: [`X-Token: ${await token()}`], body });
    const [head = ''] = text.split('\r\n\r\n');
    const lines = head.split('\r\n').flatMap((line) => {
      const name = line.slice(0, line.indexOf(':'));
      const value = changes[name];
      return value === undefined ? [line] : value === null ? [] : [`${name}: ${value}`];
    });
    const added = Object.entries(changes)
      .filter(([name, value]) => value !== null && !head.includes(`\r\n${name}: `))
      .map(([name, value]) => `${name}: ${value ?? ''}`);
    agent.send(Buffer.from([...lines, ...added, '', body].join('\r\n')));
  }

  async function expectAlive(): Promise<void> {
    const agent = await stage.agent(server.sipPort);
    agent.send(agent.request('OPTIONS'));
    expect(await agent.final('OPTIONS')).toMatchObject({ status: 200 });
  }

  it('is no call where the Contact is no single SIP URI, and does no harm', async () => {
    for (const contact of evilContacts) {
      const agent = await stage.agent(server.sipPort);
      await invite(agent, { Contact: contact });
      await expectAlive();
      await waitFor('nothing is left of it', () => stage.door.callCount === 0);
      const statuses = agent.received.map(({ status = 0 }) => status);
      expect(
        statuses.filter((status) => status >= 200 && status < 300),
        String(contact),
      ).toEqual([]);
    }
    const call = await stage.call(server.sipPort);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('is answered where it belongs to no call, with 481 or 405, and does no harm with whatever Contact', async () => {
    const statuses = { BYE: 481, INFO: 481, UPDATE: 481, REGISTER: 405, MESSAGE: 405, PUBLISH: 405 };
    for (const [method, status] of Object.entries(statuses)) {
      const agent = await stage.agent(server.sipPort);
      agent.send(agent.request(method, { headers: [`Contact: <sip:raw@127.0.0.1>`, 'Expires: 0'] }));
      expect([method, (await agent.final(method)).status]).toEqual([method, status]);
    }
    for (const method of [
      ...Object.keys(statuses),
      'SUBSCRIBE',
      'REFER',
      'NOTIFY',
      'PRACK',
      'ACK',
      'CANCEL',
    ]) {
      for (const contact of ['[sip:x@y]', '*', '<tel:+15550100>']) {
        const agent = await stage.agent(server.sipPort);
        agent.send(
          agent.request(method, { headers: [`Contact: ${contact}`, 'Event: x', 'RAck: 1 1 INVITE'] }),
        );
      }
      await expectAlive();
    }
  });

  it('is answered with 481 in a dialog that is over', async () => {
    const call = await stage.call(server.sipPort);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
    for (const [method, cseq] of [
      ['INFO', 3],
      ['INVITE', 4],
    ] as const) {
      call.send(method, cseq, ['Contact: <sip:raw@127.0.0.1>']);
      const isAnswer = (status = 0, header = '') => status >= 200 && header === `${String(cseq)} ${method}`;
      const answer = await call.agent.wait(method, (one) => isAnswer(one.status, one.header('CSeq')));
      expect([method, answer.status]).toEqual([method, 481]);
    }
  });

  it('is refused in a call where it asks for what we do not do', async () => {
    const call = await stage.call(server.sipPort);
    for (const [cseq, method] of ['REFER', 'MESSAGE', 'NOTIFY', 'PUBLISH'].entries()) {
      const headers = ['Contact: <sip:raw@127.0.0.1>', 'Refer-To: <sip:elsewhere@127.0.0.1>', 'Event: x'];
      call.send(method, cseq + 2, headers);
      expect([method, (await call.agent.final(method)).status]).toEqual([method, 405]);
    }
    call.send('BYE', 9);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('is refused where what we must repeat is huge', async () => {
    const long = 'x'.repeat(7000);
    for (const changes of [
      { From: `"${long}" <sip:raw@127.0.0.1>;tag=1` },
      { From: `<sip:raw@127.0.0.1>;tag=${long}` },
      { To: `"${long}" <sip:join@gateway.example>` },
      { 'Call-ID': long },
    ]) {
      const agent = await stage.agent(server.sipPort);
      await invite(agent, changes);
      const answer = await agent.wait('a refusal', ({ status = 0 }) => status >= 200);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    await expectAlive();
  });

  it('is answered where only what the server repeats is huge', async () => {
    const routes = Array.from(
      { length: 60 },
      (_, n) => `<sip:proxy${String(n)}.example;lr;${'x'.repeat(60)}>`,
    );
    const agent = await stage.agent(server.sipPort);
    await invite(agent, { 'Record-Route': routes.join(','), Subject: 'x'.repeat(7000) });
    const answer = await agent.final('INVITE');
    expect([answer.status, answer.header('Reason')]).toEqual([200, undefined]);
    await expectAlive();
  });

  it('gets no answer that would be too long, for an offer of 60 kB', async () => {
    // The media of this test repeats the offer.
    const codecs = Array.from({ length: 500 }, (_, n) => `a=rtpmap:${String(n)} codec${String(n)}/8000`);
    const lines = Array.from(
      { length: 1200 },
      (_, n) => `m=audio ${String(2 * n + 2)} RTP/AVP 0 8 18 101 ${String(n)}`,
    );
    const body = `${audioOffer(4000)}${[...codecs, ...lines].join('\r\n')}\r\n`;
    expect(body.length).toBeGreaterThan(50_000);
    const agent = await stage.agent(server.sipPort);
    await invite(agent, {}, body);
    const answer = await agent.final('INVITE');
    expect(answer.status).toBeGreaterThanOrEqual(400);
    await waitFor('the call is over', () => stage.door.callCount === 0);
    await stage.call(server.sipPort);
  });

  it('ends a call by a BYE whose copy would be too long', async () => {
    const call = await stage.call(server.sipPort);
    const { toTag, contact, agent } = call;
    const text = agent.request('BYE', { cseq: 2, toTag, uri: contact, branch: 'z9hG4bKbye' });
    const long = `"${'x'.repeat(7000)}" <`;
    agent.send(text.replace('From: <', `From: ${long}`).replace('To: <', `To: ${long}`));
    await agent.final('BYE');
    await waitFor('the call is over', () => stage.door.callCount === 0);
  });

  it('refuses a new offer whose Contact is none, and the call goes on', async () => {
    const call = await stage.call(server.sipPort);
    call.send('INVITE', 2, ['Contact: [sip:x@y]', 'Content-Type: application/sdp'], audioOffer(4002));
    const answer = await call.agent.wait('a refusal', ({ status = 0, header }) => {
      return status >= 300 && header('CSeq') === '2 INVITE';
    });
    expect(answer.status).toBe(400);
    call.send('ACK', 2);
    call.send('BYE', 3);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('is left unanswered where more of it comes than answers go, and calls go on', async () => {
    await stage.close();
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }], { probeMs: 0 });
    const call = await stage.call(server.sipPort);
    relay.muteGateway();
    const flood = await stage.agent(server.sipPort);
    const dropped = () => stage.door.statistics()[0]?.requestsDropped ?? 0;
    await waitFor('some of it is dropped', () => {
      for (let n = 0; n < 50; n += 1) {
        const once = flood.request('MESSAGE').replaceAll(flood.callId, randomUUID());
        flood.send(once.replace(flood.branch, `z9hG4bK${randomUUID()}`));
      }
      return dropped() > 0;
    });
    relay.unmuteGateway();
    expect(stage.logged('some are left unanswered')).toBe(1);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('is answered when a hundred with long answers come at once', async () => {
    const body = `${audioOffer(4000)}${'a=x:y\r\n'.repeat(700)}`;
    const agents = await Promise.all(Array.from({ length: 100 }, () => stage.agent(server.sipPort)));
    const answers = await Promise.all(
      agents.map(async (agent) => {
        const text = agent.invite({ headers: [`X-Token: ${await token()}`], body });
        // So much at once is lost on the way, too, and sent again as a phone does.
        await waitFor(
          'it is heard',
          () => {
            if (agent.received.length === 0) agent.send(text);
            return agent.received.length > 0;
          },
          { everyMs: 250 },
        );
        return agent.final('INVITE');
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(relay.largestFrame).toBeGreaterThan(4096);
    await expectAlive();
  });
}

describe('our own SIP server in the place of a drachtio-server', () => suite(() => StandIn.start()));
describeWithOwnDrachtio('a real drachtio-server', () => suite(realServer));
