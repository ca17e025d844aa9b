/** FreeSWITCH with the configuration that the repository brings. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventSocket, EventSocketRefusal } from '../support/event-socket.js';
import {
  complaints,
  describeWithOwnFreeSwitch,
  installedModules,
  startFreeSwitch,
  type FreeSwitchForTests,
} from '../support/freeswitch.js';
import { OutboundEventSocket } from '../support/outbound-event-socket.js';
import { RawSip, audioOffer, type RawMessage } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';

interface Call {
  readonly to?: string;
  readonly userAgent?: string;
  readonly eventSocketHost?: string;
  /** The mark of the gateway that calls. */
  readonly node?: string;
  readonly offer?: string;
  readonly source?: string;
}

describeWithOwnFreeSwitch('the configuration of FreeSWITCH', () => {
  let freeSwitch: FreeSwitchForTests;
  let gateway: OutboundEventSocket;
  const agents: RawSip[] = [];

  beforeAll(async () => {
    const started = await startFreeSwitch();
    if (started === null) throw new Error('FreeSWITCH is not installed');
    freeSwitch = started;
  });
  afterAll(() => freeSwitch.stop());
  beforeEach(async () => {
    gateway = await OutboundEventSocket.open();
  });
  afterEach(async () => {
    await gateway.close();
    await noCallIsLeft();
    for (const agent of agents.splice(0)) agent.close();
  });

  const noCallIsLeft = () =>
    waitFor('no call is left', async () => /^0 total/m.test(await freeSwitch.api('show channels')));

  /** Calls as the gateway does it, or otherwise; with the final answer. */
  async function call(how: Call = {}): Promise<{ agent: RawSip; answer: RawMessage }> {
    const agent = await RawSip.open(freeSwitch.sipPort, how.source);
    agents.push(agent);
    agent.send(
      agent.invite({
        uri: `sip:${how.to ?? 'drachtio'}@127.0.0.1:${freeSwitch.sipPort}`,
        headers: [
          `User-Agent: ${how.userAgent ?? `drachtio-fsmrf:${randomUUID()}`}`,
          `X-esl-outbound: ${how.eventSocketHost ?? '127.0.0.1'}:${gateway.port}`,
          ...(how.node === undefined ? [] : [`X-Landbridge-Node: ${how.node}`]),
        ],
        body: how.offer ?? audioOffer(40_000),
      }),
    );
    const answer = await agent.final('INVITE');
    const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
    if (toTag !== undefined) {
      agent.send(
        agent.request('ACK', {
          toTag,
          ...(answer.status === 200 ? { branch: `z9hG4bK${randomUUID()}` } : {}),
        }),
      );
    }
    return { agent, answer };
  }

  it('is loaded', async () => {
    expect(await freeSwitch.api('sofia status')).toMatch(
      /drachtio_mrf\s+profile\s+sip:mod_sofia@127\.0\.0\.1/,
    );
    expect(await freeSwitch.api('status')).toMatch(/ out of max 200\b/);
  });

  describe('the event socket', () => {
    it('takes its secret and no other', async () => {
      const wrong = EventSocket.open({ ...freeSwitch.eventSocket, secret: 'ClueCon' });
      await expect(wrong).rejects.toThrow(EventSocketRefusal);
      await expect(wrong).rejects.toThrow('-ERR invalid');
      const right = await EventSocket.open(freeSwitch.eventSocket);
      expect(await right.api('status')).toContain('is ready');
      right.close();
    });

    it('sends away who comes from another network, secret or not', async () => {
      const stranger = EventSocket.open(freeSwitch.eventSocket, '127.0.0.2');
      await expect(stranger).rejects.toThrow(EventSocketRefusal);
      await expect(stranger).rejects.toThrow('Access Denied');
    });
  });

  describe('a call of the gateway', () => {
    it('is answered, handed to the gateway’s event socket, and ends with it', async () => {
      const { agent, answer } = await call();
      expect(answer.status).toBe(200);
      const data = await gateway.channelData();
      expect(data).toContain(`variable_sip_call_id: ${agent.callId}`);
      // The two things that its library reads out of it.
      expect(data).toMatch(/^variable_rtp_local_sdp_str: /m);
      expect(data).toMatch(/^variable_sip_user_agent: drachtio-fsmrf/m);
      await gateway.close();
      const bye = await agent.wait('BYE', ({ startLine }) => startLine.startsWith('BYE '));
      agent.ok(bye);
      await noCallIsLeft();
      gateway = await OutboundEventSocket.open();
    });

    it('has its audio on a port of the range, and no session timer', async () => {
      const { agent, answer } = await call();
      const port = Number(/m=audio (\d+)/.exec(answer.text)?.[1]);
      expect(port).toBeGreaterThanOrEqual(freeSwitch.rtpPorts.from);
      expect(port).toBeLessThanOrEqual(freeSwitch.rtpPorts.to);
      expect(answer.text).toContain('c=IN IP4 127.0.0.1');
      expect(answer.header('Session-Expires')).toBeUndefined();
      expect(answer.header('Require')).toBeUndefined();
      await end(agent, answer);
    });

    const dynamic = (payloadType: number, encoding: string) =>
      `${audioOffer(40_000, `${payloadType}`)}a=rtpmap:${payloadType} ${encoding}\r\n`;

    it.each([
      ['PCMU', audioOffer(40_000, '0'), 'm=audio \\d+ RTP/AVP 0\\b'],
      ['PCMA', audioOffer(40_000, '8'), 'm=audio \\d+ RTP/AVP 8\\b'],
      ['Opus', dynamic(111, 'opus/48000/2'), 'm=audio \\d+ RTP/AVP 111\\b[^]*a=rtpmap:111 opus/48000/2'],
    ])('may speak %s', async (_, offer, expected) => {
      const { agent, answer } = await call({ offer });
      expect(answer.status).toBe(200);
      expect(answer.text).toMatch(new RegExp(expected));
      await end(agent, answer);
    });

    it('may speak G.722 where mod_spandsp is there', async () => {
      const { agent, answer } = await call({ offer: audioOffer(40_000, '9') });
      const hasModule = (await freeSwitch.api('module_exists mod_spandsp')).includes('true');
      expect(answer.status).toBe(hasModule ? 200 : 488);
      if (hasModule) expect(answer.text).toMatch(/m=audio \d+ RTP\/AVP 9\b/);
      await end(agent, answer);
    });

    it('is refused with 488 where it brings G.729 alone: that needs a licence', async () => {
      const { answer } = await call({ offer: audioOffer(40_000, '18') });
      expect(answer.status).toBe(488);
    });

    it('speaks the first codec of the offer that both know', async () => {
      const { agent, answer } = await call({ offer: audioOffer(40_000, '18 8 0') });
      expect(answer.text).toMatch(/m=audio \d+ RTP\/AVP 8\b/);
      await end(agent, answer);
    });

    it('without an offer gets one', async () => {
      const { agent, answer } = await call({ offer: '' });
      expect(answer.status).toBe(200);
      expect(answer.text).toMatch(/m=audio \d+ RTP\/AVP/);
      await end(agent, answer);
    });
  });

  describe('the gateway’s call towards a media worker', () => {
    const worker = { to: 'worker', userAgent: 'landbridge-edge', node: 'a'.repeat(24) };

    it('is answered, known by its Call-ID, and ends by command, without an event socket of its own', async () => {
      const { agent, answer } = await call(worker);
      expect(answer.status).toBe(200);
      expect(await freeSwitch.api(`uuid_exists ${agent.callId}`)).toBe('true');
      expect(gateway.count).toBe(0);
      await freeSwitch.api(`hupall MANAGER_REQUEST sip_h_X-Landbridge-Node ${worker.node}`);
      agent.ok(await agent.wait('BYE', ({ startLine }) => startLine.startsWith('BYE ')));
    });

    it.each([
      ['without the gateway’s mark', { ...worker, node: 'unknown' }],
      ['of another user agent', { ...worker, userAgent: `drachtio-fsmrf:${randomUUID()}` }],
    ])('gets 404 %s', async (_, how) => {
      const { answer } = await call(how);
      expect(answer.status).toBe(404);
    });
  });

  describe('anybody else', () => {
    it.each([
      ['another number', { to: '1000' }],
      ['another user agent', { userAgent: 'friendly-scanner' }],
      ['a user agent that is almost the gateway’s', { userAgent: 'drachtio-fsmrf:anything' }],
      ['an event socket in another network', { eventSocketHost: '127.0.0.2' }],
      ['an event socket that is named', { eventSocketHost: 'localhost' }],
    ] as const)('gets 404 for %s', async (_, how) => {
      const { answer } = await call(how);
      expect(answer.status).toBe(404);
      expect(gateway.count).toBe(0);
    });

    it('gets 403 for a call from another network', async () => {
      const { answer } = await call({ source: '127.0.0.2' });
      expect(answer.status).toBe(403);
      expect(gateway.count).toBe(0);
    });

    it.each(['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'REFER'])('cannot %s', async (method) => {
      const agent = await RawSip.open(freeSwitch.sipPort);
      agents.push(agent);
      agent.send(
        agent.request(method, {
          uri: `sip:1000@127.0.0.1:${freeSwitch.sipPort}`,
          headers: [
            `Contact: <sip:raw@127.0.0.1:${agent.port}>`,
            'Expires: 60',
            'Event: presence',
            'Refer-To: <sip:1001@127.0.0.1>',
          ],
        }),
      );
      const { status } = await agent.final(method);
      expect(status).toBeGreaterThanOrEqual(400);
    });
  });

  it('made FreeSWITCH complain of nothing but those strangers', async () => {
    const modules = await installedModules(freeSwitch);
    const known = [
      /IP 127\.0\.0\.2 Rejected by acl|Access Denied/,
      // An event socket of ours that closed while FreeSWITCH waited for its first words.
      /mod_event_socket\.c:\d+ Socket Error!/,
      ...(modules?.includes('mod_spandsp.so') === true ? [] : [/Error Loading module .*mod_spandsp\.so/]),
    ];
    const others = complaints(freeSwitch.log).filter((line) => !known.some((pattern) => pattern.test(line)));
    expect(others).toEqual([]);
  });

  async function end(agent: RawSip, answer: RawMessage): Promise<void> {
    const toTag = /tag=([^;>\s]+)/.exec(answer.header('To') ?? '')?.[1];
    if (answer.status !== 200 || toTag === undefined) return;
    agent.send(agent.request('BYE', { toTag, cseq: 2, branch: `z9hG4bK${randomUUID()}` }));
    await agent.final('BYE');
  }
});

describeWithOwnFreeSwitch('the life of FreeSWITCH', () => {
  it('ends in good order, and is back on the same ports after a kill', async () => {
    const freeSwitch = await startFreeSwitch();
    if (freeSwitch === null) throw new Error('FreeSWITCH is not installed');
    const before = freeSwitch.pid;
    await freeSwitch.kill();
    await freeSwitch.restart();
    expect(freeSwitch.pid).not.toBe(before);
    expect(await freeSwitch.api('status')).toContain('is ready');
    await freeSwitch.stop({ inGoodOrder: true });
    expect(freeSwitch.log).toContain('mod_event_socket unloaded');
  });
});
