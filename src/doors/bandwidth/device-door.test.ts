import { beforeEach, describe, expect, it } from 'vitest';
import { DomainFixture } from '../../../test/support/domain-fixture.js';
import { FakeWebSocket } from '../../../test/support/fake-web-socket.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import { DomainError } from '../../domain/domain-error.js';
import type { Logger } from '../../domain/logger.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import type { CreatedParticipant } from '../../domain/sessions/session-service.js';
import { DeviceDoor, type DeviceDoorOptions } from './device-door.js';

let domain: DomainFixture;
let door: DeviceDoor;
let refusals: string[];
let refused: RefusedCall[];
let log: string[];
let sessionId: string;
let device: CreatedParticipant;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const logger: Logger = {
  debug: (fields, message) => void log.push(JSON.stringify([message, fields])),
  info: (fields, message) => void log.push(JSON.stringify([message, fields])),
  warn: (fields, message) => void log.push(JSON.stringify([message, fields])),
  error: (fields, message) => void log.push(JSON.stringify([message, fields])),
  child: () => logger,
};

function newDoor(options: Partial<DeviceDoorOptions> = {}): DeviceDoor {
  return new DeviceDoor({
    legs: domain.legs,
    clock: domain.clock,
    logger,
    onRefused: (call) => {
      refusals.push(call.code);
      refused.push(call);
    },
    ...options,
  });
}

function come(socket: FakeWebSocket, token: string, uniqueId = 'device-1'): void {
  const query = `token=${token}&client=browser&sdkVersion=0.12.0-beta.1&uniqueId=${uniqueId}`;
  door.accept(socket, { url: `/v3/?${query}` }, '192.0.2.1');
}

async function arrive(token: string, uniqueId = 'device-1'): Promise<FakeWebSocket> {
  const socket = new FakeWebSocket();
  come(socket, token, uniqueId);
  await settle();
  return socket;
}

beforeEach(async () => {
  domain = new DomainFixture();
  refusals = [];
  refused = [];
  log = [];
  door = newDoor();
  sessionId = await domain.session();
  device = await domain.participant(sessionId);
  domain.events.length = 0;
});

describe('a device that comes', () => {
  it('is connected and joined, and answered', async () => {
    const socket = await arrive(device.token);
    expect(await socket.asks('setMediaPreferences', { protocol: 'WEBRTC' })).toMatchObject({ result: {} });
    expect(await socket.asks('ping')).toMatchObject({ result: {} });
    expect(domain.mediaOf(device)).toMatchObject({
      kind: 'browser',
      request: {
        connections: [
          { name: 'publish', flow: 'publish' },
          { name: 'subscribe', flow: 'receive' },
        ],
      },
    });
    expect(domain.ofType('participant.joined')).toHaveLength(1);
    expect(domain.ofType('call.arrived')[0]?.data).toMatchObject({
      door: 'bandwidth',
      callId: 'device-1',
      clientId: 'device-1',
    });
    expect(domain.ofType('signalling.back')).toEqual([]);
    expect(door.deviceCount).toBe(1);
  });

  it('is answered its offers, with what it may publish', async () => {
    const socket = await arrive(device.token);
    const sdpOffer = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=audio 9 X 0\r\na=msid:s t\r\na=sendonly\r\n';
    const mediaMetadata = { mediaStreams: { s: { alias: 'mic' } }, dataChannels: {} };
    const { result } = await socket.asks('offerSdp', { sdpOffer, mediaMetadata });
    const { participant } = device;
    expect(result?.['sdpAnswer']).toContain('a=label:mic');
    expect(result?.['streamMetadata']).toEqual({
      s: {
        endpointId: result?.['endpointId'],
        mediaTypes: ['AUDIO'],
        participantId: participant.id,
      },
    });
  });

  it('is offered what it receives, and its answer is taken', async () => {
    const socket = await arrive(device.token);
    domain.mediaOf(device).listener.onNegotiationNeeded('subscribe');
    await settle();
    expect(socket.offers).toMatchObject([{ sdpOffer: 'offer of ours', streamMetadata: {} }]);
    expect(await socket.asks('answerSdp', { sdpAnswer: 'v=0' })).toMatchObject({ result: {} });
    expect(domain.mediaOf(device).log).toContain('subscribe: accept v=0');
    expect(await socket.asks('answerSdp', { sdpAnswer: 'v=0' })).toMatchObject({ error: { code: -32_600 } });
    expect(await socket.asks('answerSdp')).toMatchObject({ error: { code: -32_602 } });
  });

  it('is told what it asks wrongly, and stays', async () => {
    const socket = await arrive(device.token);
    expect(await socket.asks('offerSdp')).toMatchObject({ error: { code: -32_602 } });
    expect(await socket.asks('constructor')).toMatchObject({ error: { code: -32_601 } });
    domain.mediaOf(device).connection('publish').answer = () =>
      Promise.reject(new MediaRefusal('bad-sdp', 'no ICE'));
    expect(await socket.asks('offerSdp', { sdpOffer: 'v=0' })).toMatchObject({
      error: { code: -32_602, message: 'bad-sdp' },
    });
    expect(log.join()).not.toContain('request failed');
    domain.mediaOf(device).connection('publish').answer = () => Promise.reject(new Error('a fault'));
    expect(await socket.asks('offerSdp', { sdpOffer: 'v=0' })).toMatchObject({
      error: { code: -32_603, message: 'internal error' },
    });
    expect(await socket.asks('ping')).toMatchObject({ result: {} });
  });

  it('causes so many lines in the log by what it asks wrongly, and one of how many more there were', async () => {
    const socket = await arrive(device.token);
    domain.mediaOf(device).connection('publish').answer = () =>
      Promise.reject(new MediaRefusal('bad-sdp', 'no ICE'));
    for (let nth = 0; nth < 25; nth += 1) await socket.asks('offerSdp', { sdpOffer: 'v=0' });
    const lines = () => log.filter((line) => line.includes('refused'));
    expect(lines()).toHaveLength(10);
    domain.clock.advance(10_000);
    expect(lines()).toHaveLength(11);
    expect(lines().at(-1)).toContain('15');
  });

  it('does not queue requests without bound', async () => {
    door = newDoor({ maxPending: 2 });
    const socket = await arrive(device.token);
    domain.mediaOf(device).connection('publish').answer = () => new Promise(() => undefined);
    socket.says('offerSdp', { sdpOffer: 'v=0' });
    socket.says('ping');
    expect(await socket.asks('ping')).toMatchObject({ error: { code: -32_000 } });
  });

  it('may send diagnostics with its token in them, which stands in no log', async () => {
    const socket = await arrive(device.token);
    socket.says('deviceDiagnostics', { logs: [{ level: 'debug', message: [`token=${device.token}`] }] });
    await settle();
    expect(log.join()).toContain('diagnostics of a device');
    expect(log.join()).not.toContain(device.token);
  });
});

describe('a device that may not come', () => {
  it.each<[name: string, token: () => string, reason: string, code: number]>([
    ['without a token', () => '', 'token-missing', 1000],
    ['with another token', () => 'x.y.z', 'token-invalid', 1000],
    [
      'with an expired token',
      () => domain.tokens.sign(device.participant.id, domain.clock.now() - 60_000),
      'token-expired',
      1000,
    ],
    ['while the gateway stops', () => (domain.legs.drain(), device.token), 'draining', 1013],
    ['without a media worker', () => ((domain.media.isReady = false), device.token), 'overloaded', 1013],
  ])('is accepted and closed: %s', async (_case, token, reason, code) => {
    const socket = await arrive(token());
    expect(socket.closedWith).toEqual([code, reason]);
    expect(refusals).toEqual([reason]);
    const isNamed = reason !== 'token-missing' && reason !== 'token-invalid';
    expect(refused[0]).toMatchObject({
      ...{ door: 'bandwidth', source: '192.0.2.1', accountId: null, legId: null },
      participantId: isNamed ? device.participant.id : null,
    });
    expect(refused[0]?.details()).toMatchObject({ callId: 'device-1', caller: null, sipStatus: null });
    expect(door.deviceCount).toBe(0);
    expect(domain.media.legs).toEqual([]);
  });

  it('leaves nothing behind where its media cannot be opened', async () => {
    domain.media.refuseNext(new MediaRefusal('overloaded', 'no worker'));
    const socket = await arrive(device.token);
    expect(socket.closedWith).toEqual([1013, 'overloaded']);
    const legId = domain.ofType('call.ended')[0]?.data.legId;
    expect(refused).toMatchObject([{ participantId: device.participant.id, legId }]);
    expect(refused[0]?.details().detail).toBe('no worker');
    expect(await domain.isSlotFree(device)).toBe(true);
    expect([domain.legs.size, door.deviceCount]).toEqual([0, 0]);
    const again = await arrive(device.token);
    expect(again.closedWith).toBeNull();
  });

  it('is told to try again where the store is away, which is no fault of the door’s', async () => {
    const away = () => Promise.reject(new DomainError('store-unavailable', 'The store cannot be reached'));
    domain.store.claimSlot = away;
    const socket = await arrive(device.token);
    expect(socket.closedWith).toEqual([1013, 'overloaded']);
    expect(refused[0]?.details().detail).toBe('store-unavailable');
    expect(log.join()).toContain('device refused');
    expect(log.join()).not.toContain('could not be admitted');
  });

  it('is refused while another holds the participant’s slot: a device that is connected, or a phone', async () => {
    const first = await arrive(device.token);
    const second = await arrive(device.token, 'device-2');
    expect(second.closedWith).toEqual([1000, 'participant-occupied']);
    expect(first.closedWith).toBeNull();
    const phone = await domain.participant(sessionId);
    await domain.join(phone);
    expect((await arrive(phone.token)).closedWith).toEqual([1000, 'participant-occupied']);
  });
});

describe('a device that goes', () => {
  it('has hung up when it leaves, or closes in good order', async () => {
    for (const goes of [
      (socket: FakeWebSocket) => socket.says('leave'),
      (socket: FakeWebSocket) => socket.emit('close', 1000),
    ]) {
      domain.events.length = 0;
      const socket = await arrive(device.token);
      goes(socket);
      await settle();
      expect(domain.ofType('participant.left').map(({ data }) => data.outcome)).toEqual([
        { endedBy: 'participant', reason: 'hangup' },
      ]);
      expect(domain.ofType('signalling.lost')).toHaveLength(1);
      expect([domain.legs.size, door.deviceCount]).toEqual([0, 0]);
      socket.emit('close', 1005);
      expect(domain.ofType('signalling.lost')).toHaveLength(1);
    }
    expect(domain.clock.pending).toBe(0);
  });

  it('is closed for good when its participant is deleted, and asked to come back when the gateway ends its leg', async () => {
    const socket = await arrive(device.token);
    const other = await domain.participant(sessionId);
    const otherSocket = await arrive(other.token);
    await domain.sessions.deleteParticipant('acme', device.participant.id);
    expect(socket.closedWith).toEqual([1000, 'participant-deleted']);
    domain.mediaOf(other).listener.onEnded('media-lost');
    expect(otherSocket.closedWith).toEqual([1012, 'media-lost']);
    await settle();
    expect(door.deviceCount).toBe(0);
    for (const { participant } of [device, other]) {
      const told = domain.events.filter(({ participantId }) => participantId === participant.id);
      const ends = told.map(({ type }) => type).filter((type) => /lost|ended/.test(type));
      expect(ends).toEqual(['signalling.lost', 'call.ended']);
    }
    expect((await arrive(other.token)).closedWith).toBeNull();
  });
});

describe('a device that lost its socket', () => {
  it('keeps its leg, takes it up again with the same id, and is offered everything again', async () => {
    const socket = await arrive(device.token);
    const media = domain.mediaOf(device);
    media.listener.onNegotiationNeeded('subscribe');
    await settle();
    await socket.asks('answerSdp', { sdpAnswer: 'v=0' });
    socket.emit('close', 1006);
    expect(domain.ofType('signalling.lost')).toHaveLength(1);
    expect(domain.ofType('participant.left')).toEqual([]);
    domain.clock.advance(29_999);
    const again = await arrive(device.token);
    expect(domain.ofType('signalling.back').map(({ data }) => data.clientId)).toEqual(['device-1']);
    expect(domain.media.legs).toHaveLength(1);
    expect(again.offers).toHaveLength(1);
    expect(Number(again.offers[0]?.['sdpRevision'])).toBeGreaterThan(
      Number(socket.offers[0]?.['sdpRevision']),
    );
    domain.clock.advance(60_000);
    expect(domain.legs.size).toBe(1);
  });

  it('may come back to its leg while the gateway waits for calls to end', async () => {
    const socket = await arrive(device.token);
    socket.emit('close', 1006);
    domain.legs.drain();
    const again = await arrive(device.token);
    expect(await again.asks('ping')).toMatchObject({ result: {} });
  });

  it('has left when it does not come back in time', async () => {
    const socket = await arrive(device.token);
    socket.emit('close', 1006);
    domain.clock.advance(30_000);
    await settle();
    expect(domain.ofType('participant.left').map(({ data }) => data.outcome)).toEqual([
      { endedBy: 'participant', reason: 'connection-lost' },
    ]);
    expect([domain.legs.size, domain.clock.pending]).toEqual([0, 0]);
    expect((await arrive(device.token)).closedWith).toBeNull();
  });

  it('is replaced by its own next socket before the loss of the first was seen', async () => {
    const first = await arrive(device.token);
    const second = await arrive(device.token);
    expect(first.closedWith).toEqual([1012, 'replaced']);
    first.emit('close', 1006);
    expect(await second.asks('ping')).toMatchObject({ result: {} });
    expect(domain.legs.size).toBe(1);
  });

  it.each(['all at once', 'one after another'])('is let in once where its sockets come %s', async (how) => {
    const sockets = [new FakeWebSocket(), new FakeWebSocket(), new FakeWebSocket()] as const;
    for (const [index, socket] of sockets.entries()) {
      come(socket, device.token);
      // By microtasks, so that each meets the one before it at another point of its admission.
      if (how === 'one after another') for (let turn = 0; turn < 4 + index; turn++) await Promise.resolve();
    }
    await settle();
    expect(refusals).toEqual([]);
    expect(sockets.map(({ closedWith }) => closedWith)).toEqual([
      [1012, 'replaced'],
      [1012, 'replaced'],
      null,
    ]);
    expect(await sockets[2].asks('ping')).toMatchObject({ result: {} });
    expect([domain.legs.size, door.deviceCount]).toEqual([1, 1]);
    expect(domain.ofType('call.arrived')).toHaveLength(1);
  });

  it('is let in at whatever point of its first socket’s admission its second comes', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const { token } = await domain.participant();
      const [first, second] = [new FakeWebSocket(), new FakeWebSocket()];
      come(first, token);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      first.emit('close', 1006);
      come(second, token);
      await settle();
      expect([turns, second.closedWith]).toEqual([turns, null]);
      expect(await second.asks('ping')).toMatchObject({ result: {} });
    }
    expect(refusals).toEqual([]);
    expect([domain.legs.size, door.deviceCount]).toEqual([40, 40]);
  });

  it('is let in by its second socket where the first could not be', async () => {
    domain.media.refuseNext(new MediaRefusal('overloaded', 'no worker'));
    const sockets = [new FakeWebSocket(), new FakeWebSocket(), new FakeWebSocket()] as const;
    for (const socket of sockets) come(socket, device.token);
    await settle();
    expect(sockets.map(({ closedWith }) => closedWith)).toEqual([
      [1013, 'overloaded'],
      [1012, 'replaced'],
      null,
    ]);
    expect([domain.legs.size, door.deviceCount]).toEqual([1, 1]);
  });

  it('leaves nothing behind where its participant is deleted while it is admitted', async () => {
    for (let turns = 0; turns < 20; turns++) {
      const created = await domain.participant(sessionId);
      const socket = new FakeWebSocket();
      come(socket, created.token);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await domain.sessions.deleteParticipant('acme', created.participant.id);
      await settle();
      expect(socket.closedWith?.[0]).toBe(1000);
      expect([domain.legs.size, door.deviceCount]).toEqual([0, 0]);
    }
  });

  it('gives way to another device of the participant', async () => {
    const first = await arrive(device.token);
    first.emit('close', 1001);
    const second = await arrive(device.token, 'device-2');
    expect(second.closedWith).toBeNull();
    expect(domain.ofType('participant.left').map(({ data }) => data.outcome.reason)).toEqual([
      'connection-lost',
    ]);
    expect(domain.ofType('participant.joined')).toHaveLength(2);
    expect(domain.legs.size).toBe(1);
    // The first one's client comes back all the same, and is told for good.
    expect((await arrive(device.token)).closedWith).toEqual([1000, 'participant-occupied']);
  });

  it('is not let in again with a token that is none', async () => {
    const first = await arrive(device.token);
    first.emit('close', 1006);
    expect((await arrive('x.y.z')).closedWith).toEqual([1000, 'token-invalid']);
    expect((await arrive(device.token)).closedWith).toBeNull();
  });

  it('is gone when it is lost before it was let in, and may come back', async () => {
    const release = domain.media.delayNext();
    const arriving = arrive(device.token);
    await settle();
    const [leg] = await domain.legs.list('acme');
    expect(leg?.state).toBe('admitted');
    const impatient = arrive(device.token, 'device-2');
    release();
    await arriving;
    expect((await impatient).closedWith).toEqual([1000, 'participant-occupied']);
    expect(domain.legs.size).toBe(1);
  });
});

describe('a door that closes', () => {
  it('closes what is open and lets nobody in', async () => {
    const socket = await arrive(device.token);
    await domain.legs.endAll({ endedBy: 'gateway', reason: 'gateway-stopping' });
    expect(socket.closedWith).toEqual([1012, 'gateway-stopping']);
    door.close();
    door.close();
    expect((await arrive(device.token)).closedWith).toEqual([1013, 'draining']);
    expect(domain.clock.pending).toBe(0);
  });
});
