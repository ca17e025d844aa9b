/** What the gateway does when the drachtio-servers that its phones come through go and come. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DoorStage, realServer, StandIn, type OutsideServer } from './drachtio-door.js';
import { describeWithOwnDrachtio } from '../support/drachtio.js';
import { waitFor } from '../support/wait-for.js';

let stage: DoorStage | undefined;
let servers: OutsideServer[] = [];
afterEach(async () => {
  await stage?.close();
  stage = undefined;
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
    expect(answer.header('Accept')).toBe('application/sdp');
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
    stage = await DoorStage.open([{ ...server.admin, secret: 'a-wrong-secret' }]);
    expect(stage.door.troubles[0]).toMatch(/refused our secret$/);
    expect(stage.logged('refused our secret')).toBe(1);
    expect(JSON.stringify(stage.log)).not.toContain('a-wrong-secret');
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
}

describe('our own SIP server in the place of a drachtio-server', () => suite(() => StandIn.start()));
describeWithOwnDrachtio('a real drachtio-server', () => suite(realServer));
