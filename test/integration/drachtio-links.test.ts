/** What the gateway does when the drachtio-servers that its phones come through go and come. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DoorStage,
  heldNumber,
  realServer,
  Relay,
  StandIn,
  AnsweredCall,
  type OutsideServer,
} from './drachtio-door.js';
import { describeWithOwnDrachtio } from '../support/drachtio.js';
import { audioOffer } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';

let stage: DoorStage | undefined;
let relay: Relay | undefined;
let servers: OutsideServer[] = [];
afterEach(async () => {
  await stage?.close();
  stage = undefined;
  await relay?.close();
  relay = undefined;
  for (const server of servers) await server.stop();
  servers = [];
});

const outcomes = ({ domain }: DoorStage) => domain.ofType('call.ended').map(({ data }) => data.outcome);

function suite(start: () => Promise<OutsideServer>): void {
  let server: OutsideServer;
  beforeEach(async () => {
    server = await start();
    servers.push(server);
  });

  it('takes calls, and says where phones reach it', async () => {
    stage = await DoorStage.open([server.admin]);
    expect(stage.door.troubles).toEqual([]);
    expect(stage.door.addresses).toContainEqual({ protocol: 'udp', host: '127.0.0.1', port: server.sipPort });
    const call = await stage.call(server.sipPort);
    expect(stage.door.callCount).toBe(1);
    call.send('BYE', 2);
    expect(await call.agent.final('BYE')).toMatchObject({ status: 200 });
    await waitFor('the call is over', () => stage?.door.callCount === 0);
    expect(outcomes(stage)).toMatchObject([{ endedBy: 'participant', reason: 'hangup' }]);
  });

  it('ends a call with BYE when the gateway does, before it disconnects', async () => {
    stage = await DoorStage.open([server.admin]);
    const call = await stage.call(server.sipPort);
    const closed = stage.door.close();
    expect((await call.hungUp()).header('Reason')).toContain('gateway-stopping');
    await closed;
  });

  it('answers OPTIONS: 200 with what we can, 503 while draining', async () => {
    stage = await DoorStage.open([server.admin]);
    const agent = await stage.agent(server.sipPort);
    agent.send(agent.request('OPTIONS'));
    const answer = await agent.final('OPTIONS');
    expect(answer.status).toBe(200);
    expect(answer.header('Allow')).toContain('INVITE');
    expect(answer.header('Accept')).toBe('application/sdp, multipart/mixed');
    stage.domain.legs.drain();
    const late = await stage.agent(server.sipPort);
    late.send(late.request('OPTIONS'));
    const refusal = await late.final('OPTIONS');
    expect(refusal).toMatchObject({ status: 503 });
    expect(refusal.header('Retry-After')).toBe('5');
  });

  it('starts without it, is not ready, and takes calls when it comes', async () => {
    await server.kill();
    stage = await DoorStage.open([server.admin]);
    const name = `drachtio 127.0.0.1:${String(server.admin.port)}`;
    expect(stage.door.troubles).toEqual([`${name} is not connected`]);
    await server.restart();
    await waitFor('it is connected', () => stage?.door.isConnected === true);
    expect(stage.logged('cannot be reached')).toBe(1);
    await stage.call(server.sipPort);
  });

  it('says that the secret is wrong, without the secret, and is in when it is right', async () => {
    const other = await StandIn.start('another secret');
    servers.push(other);
    relay = await Relay.open(other.admin.port);
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }]);
    expect(stage.door.troubles).toEqual([`drachtio 127.0.0.1:${String(relay.port)} refused our secret`]);
    expect(JSON.stringify(stage.log)).not.toContain(server.admin.secret);
    relay.target = server.admin.port;
    await waitFor('it is in', () => stage?.door.isConnected === true);
    expect(stage.logged('refused our secret')).toBe(1);
    expect(stage.logged('cannot be reached')).toBe(0);
    await stage.call(server.sipPort);
  });

  it('tries a server that refuses the secret no more often than the longest interval', async () => {
    relay = await Relay.open(server.admin.port);
    stage = await DoorStage.open([{ host: '127.0.0.1', port: relay.port, secret: 'a-wrong-secret' }], {
      longestRetryMs: 60_000,
    });
    expect(stage.door.troubles[0]).toMatch(/refused our secret$/);
    // One attempt, and the next after half of the interval at the earliest.
    expect(relay.accepted).toBe(1);
    expect(stage.delays.filter((delayMs) => delayMs >= 30_000)).toHaveLength(1);
  });

  it('loses the server to a kill: calls live on, and end when it is back and knows nothing of them', async () => {
    stage = await DoorStage.open([server.admin]);
    await stage.call(server.sipPort);
    await server.kill();
    await waitFor('the loss is seen', () => stage?.door.isConnected === false);
    expect(stage.door.callCount).toBe(1);
    await server.restart();
    await waitFor('it is connected', () => stage?.door.isConnected === true);
    await waitFor('the call is over', () => stage?.door.callCount === 0);
    expect(outcomes(stage)).toMatchObject([{ endedBy: 'gateway', reason: 'connection-lost' }]);
    expect(stage.door.statistics()).toMatchObject([{ connected: true, reconnects: 1, calls: 0 }]);
    await stage.call(server.sipPort);
  });

  it('loses the server for good: calls end after the grace', async () => {
    stage = await DoorStage.open([server.admin], { graceMs: 300 });
    await stage.call(server.sipPort);
    await server.kill();
    await waitFor('the call is over', () => stage?.door.callCount === 0);
    expect(outcomes(stage)).toMatchObject([{ endedBy: 'gateway', reason: 'connection-lost' }]);
  });

  it('loses the connection alone: calls live on, and are hung up over the next one', async () => {
    relay = await Relay.open(server.admin.port);
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }]);
    const call = await stage.call(server.sipPort);
    const waiting = await stage.agent(server.sipPort);
    waiting.send(waiting.invite({ uri: `sip:${heldNumber}@127.0.0.1` }));
    await waitFor('both are in progress', () => stage?.door.callCount === 2);
    relay.target = 1;
    relay.cut();
    await waitFor('the loss is seen', () => stage?.door.isConnected === false);
    // An unanswered one ends at once.
    expect(stage.door.callCount).toBe(1);
    relay.target = server.admin.port;
    expect((await call.hungUp()).startLine).toMatch(/^BYE /);
    expect(await waiting.final('INVITE')).toMatchObject({ status: 503 });
    await waitFor('the call is over', () => stage?.door.callCount === 0);
    expect(outcomes(stage)).toMatchObject([{ endedBy: 'gateway', reason: 'connection-lost' }]);
    const next = await stage.call(server.sipPort);
    next.send('BYE', 2);
    expect(await next.agent.final('BYE')).toMatchObject({ status: 200 });
  });

  it('that is deaf is seen to be, is connected to anew, and is told once', async () => {
    relay = await Relay.open(server.admin.port);
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }]);
    await waitFor('a probe came back', () => isProven(stage));
    relay.target = 1;
    relay.holdUp();
    await waitFor('it is deaf', () => stage?.door.statistics()[0]?.deaf === true);
    expect(stage.door.isConnected).toBe(false);
    relay.target = server.admin.port;
    await waitFor('it hears again', () => stage?.door.isConnected === true);
    expect(stage.logged('is deaf')).toBe(1);
    expect(stage.logged('hears again')).toBe(1);
    expect(stage.door.statistics()[0]?.probesFailed).toBeGreaterThanOrEqual(3);
    await stage.call(server.sipPort);
  });

  it('has two gateways: neither takes it for deaf because the other answers some of its probes', async () => {
    // Longer than a busy machine may keep an answer.
    stage = await DoorStage.open([server.admin], { probeMs: 1000 });
    const other = await DoorStage.open([server.admin], { probeMs: 1000 });
    try {
      await waitFor('probes of both came back', () => isProven(stage) && isProven(other));
      const options = await stage.agent(server.sipPort);
      options.send(options.request('OPTIONS'));
      await options.final('OPTIONS');
      // Each probe sets two timers.
      const before = [stage, other].map(({ delays }) => delays.length);
      await waitFor('five more probes of both', () =>
        [stage, other].every((one, index) => (one?.delays.length ?? 0) >= (before[index] ?? 0) + 10),
      );
      for (const { door } of [stage, other])
        expect(door.statistics()).toMatchObject([{ connected: true, deaf: false, probesFailed: 0 }]);
    } finally {
      await other.close();
    }
  });

  it('is one of two: each has its own calls, and one is enough to be ready', async () => {
    const other = await start();
    servers.push(other);
    stage = await DoorStage.open([server.admin, other.admin], { graceMs: 0 });
    const first: AnsweredCall = await stage.call(server.sipPort);
    const second = await stage.call(other.sipPort);
    expect(stage.door.callCount).toBe(2);
    await server.kill();
    await waitFor('the loss is seen', () => stage?.door.statistics()[0]?.connected === false);
    expect(stage.door.troubles).toEqual([]);
    expect(stage.door.addresses).toContainEqual({ protocol: 'udp', host: '127.0.0.1', port: other.sipPort });
    expect(stage.door.callCount).toBe(1);
    second.send('BYE', 2);
    expect(await second.agent.final('BYE')).toMatchObject({ status: 200 });
    await other.kill();
    await waitFor('none is left', () => stage?.door.isConnected === false);
    expect(stage.door.troubles).toHaveLength(2);
    expect(first.agent.received.some(({ startLine }) => startLine.startsWith('SIP/2.0 200'))).toBe(true);
    await server.restart();
    await waitFor('one is back', () => stage?.door.isConnected === true);
    await stage.call(server.sipPort);
  });
}

const isProven = (on: DoorStage | undefined): boolean => on?.logged('probe came back') === 1;

describe('our own SIP server in the place of a drachtio-server', () => suite(() => StandIn.start()));

describeWithOwnDrachtio('a real drachtio-server', () => {
  suite(realServer);

  it('that lost the word that a call was answered is told to end that call when it is back', async () => {
    const server = await realServer();
    servers.push(server);
    relay = await Relay.open(server.admin.port);
    stage = await DoorStage.open([{ ...server.admin, port: relay.port }], { probeMs: 0 });
    const agent = await stage.agent(server.sipPort);
    agent.send(
      agent.invite({
        uri: `sip:${heldNumber}@127.0.0.1`,
        headers: ['X-Token: 000000000000'],
        body: audioOffer(4000),
      }),
    );
    await waitFor('it is in progress', () => stage?.door.callCount === 1);
    relay.muteServer();
    await stage.letIn();
    const call = new AnsweredCall(agent, await agent.final('INVITE'));
    call.send('ACK', 1);
    relay.cut();
    expect((await call.hungUp()).header('Reason')).toContain('connection-lost');
    await waitFor('the call is over', () => stage?.door.callCount === 0);
    expect(stage.domain.legs.size).toBe(0);
  });

  it('that stands still is deaf, and its calls are hung up when it goes on', async () => {
    const server = await realServer();
    servers.push(server);
    stage = await DoorStage.open([server.admin]);
    const call = await stage.call(server.sipPort);
    await waitFor('a probe came back', () => isProven(stage));
    process.kill(server.pid, 'SIGSTOP');
    await waitFor('it is deaf', () => stage?.door.statistics()[0]?.deaf === true);
    expect(stage.door.callCount).toBe(1);
    process.kill(server.pid, 'SIGCONT');
    await call.hungUp();
    await waitFor('it hears again', () => stage?.door.isConnected === true, { timeoutMs: 20_000 });
    await stage.call(server.sipPort);
  });
});
