import { beforeEach, describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import { ConnectionRoom } from './connection-room.js';
import type { Standing } from './transport.js';

const here = '192.0.2.1';
let room: ConnectionRoom<RecordedFlow>;
let evicted: RecordedFlow[];
let asked: number;
const standings = new Map<RecordedFlow, Standing>();
let nextPort = 0;

beforeEach(() => {
  [evicted, asked] = [[], 0];
  standings.clear();
  open({});
});

function open(limits: { maxConnections?: number; maxConnectionsPerAddress?: number }): void {
  room = new ConnectionRoom<RecordedFlow>({
    maxConnections: 100,
    maxConnectionsPerAddress: 3,
    sourceOf: (address) => address.replace(/:[^:]*$/, '::/64'),
    ...limits,
    standingOf(flow) {
      asked += 1;
      return standings.get(flow) ?? 'stranger';
    },
    evict: (flow) => evicted.push(flow),
  });
}

function enter(address = here, { isOurs = false } = {}): RecordedFlow {
  expect(room.makeRoom(address)).toBe(true);
  const flow = new RecordedFlow('tcp', address, (nextPort += 1));
  room.add(flow, address, isOurs);
  return flow;
}

/** It has brought a message, and what came of it. */
function heard(flow: RecordedFlow, standing: Standing = 'stranger'): RecordedFlow {
  standings.set(flow, standing);
  room.heard(flow);
  return flow;
}

describe('ConnectionRoom', () => {
  it('lets the oldest go that has brought nothing, though others are older', () => {
    const asked = heard(enter());
    const [silent, other] = [enter(), enter()];
    enter();
    expect(evicted).toEqual([silent]);
    enter();
    expect(evicted).toEqual([silent, other]);
    expect(evicted).not.toContain(asked);
  });

  it('then whoever was longest silent of those who were accepted nothing', () => {
    const [one, two, three] = [heard(enter()), heard(enter()), heard(enter())];
    heard(one);
    enter();
    expect(evicted).toEqual([two]);
    expect(evicted).not.toContain(three);
  });

  it('then whoever had a call and has none, and never who is in a call or was called by us', () => {
    const inCall = heard(enter(), 'used');
    const ours = enter(here, { isOurs: true });
    const before = heard(enter(), 'known');
    const refused = enter();
    expect(evicted).toEqual([before]);
    heard(refused, 'used');
    expect(room.makeRoom(here)).toBe(false);
    expect(evicted).toEqual([before]);
    // The call is over.
    standings.set(inCall, 'known');
    enter();
    expect(evicted).toEqual([before, inCall]);
    expect(evicted).not.toContain(ours);
  });

  it('counts an address as its source, and others’ sources apart', () => {
    const first = enter('2001:db8::1');
    for (const address of ['2001:db8::2', '2001:db8::3', '192.0.2.7']) enter(address);
    expect(evicted).toEqual([]);
    enter('2001:db8::4');
    expect(evicted).toEqual([first]);
  });

  it('makes room among all where all are too many, whoever comes', () => {
    open({ maxConnections: 4 });
    const inCall = heard(enter('192.0.2.1'), 'used');
    const silent = [enter('192.0.2.2'), enter('192.0.2.3'), enter('192.0.2.4')];
    for (let host = 5; host < 9; host += 1) enter(`192.0.2.${host}`);
    expect(evicted.slice(0, 3)).toEqual(silent);
    expect(evicted).toHaveLength(4);
    expect(evicted).not.toContain(inCall);
  });

  it('has room again when one is gone, and forgets it', () => {
    const [one] = [enter(), enter(), enter()];
    room.remove(one);
    room.remove(one);
    room.heard(one);
    enter();
    expect(evicted).toEqual([]);
  });

  it('looks at a few hundred at most for each newcomer, and at others the next time', () => {
    open({ maxConnections: 2000, maxConnectionsPerAddress: 2000 });
    for (let n = 0; n < 1999; n += 1) heard(enter(), 'used');
    const idle = heard(enter(), 'known');
    let turnedAway = 0;
    while (!room.makeRoom(here)) {
      expect(asked).toBeLessThanOrEqual(300);
      asked = 0;
      turnedAway += 1;
    }
    expect(evicted).toEqual([idle]);
    expect(turnedAway).toBeLessThan(20);
  });
});
