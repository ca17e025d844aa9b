import { beforeEach, describe, expect, it } from 'vitest';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest } from '../message/message.js';
import type { TransportProtocol } from '../transport/flow.js';
import { ScannerWatch } from './scanner-watch.js';

let nowMs: number;
let watch: ScannerWatch;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  watch = new ScannerWatch({
    clock: { nowMs: () => nowMs, setTimer: () => 0, clearTimer: () => undefined },
    sourceOf: (address) => address,
    hasCalls: (source) => source === '192.0.2.200',
    isKnownPeer: (address) => address === '192.0.2.201',
    ...{ agents: ['Friendly-Scanner'], maxUsersPerMinute: 3, maxSources: 2 },
  });
});

const request = (user: string, { agent = 'Phone', method = 'INVITE' } = {}): SipRequest => ({
  ...{ kind: 'request', method, uri: `sip:${user}@gw`, body: Buffer.alloc(0) },
  headers: new HeaderFields([['User-Agent', agent]]),
});

const over = (protocol: TransportProtocol, remoteAddress = '192.0.2.1') => ({ protocol, remoteAddress });

const sweep = (count: number, protocol: TransportProtocol, address = '192.0.2.1'): boolean[] =>
  Array.from({ length: count }, (_, at) => {
    watch.calledInVain(request(`100${String(at)}`), over(protocol, address));
    return watch.isScanner(request('x', { method: 'OPTIONS' }), over(protocol, address));
  });

describe('A scanner is told', () => {
  it('by what it calls itself, over anything, and no other request of its source for it', () => {
    expect(watch.isScanner(request('1', { agent: 'friendly-scanner/1.0' }), over('udp'))).toBe(true);
    expect(watch.isScanner(request('1'), over('udp'))).toBe(false);
  });

  it('by how many different users it calls over a connection, and again when it goes on', () => {
    expect(sweep(5, 'tcp')).toEqual([false, false, false, true, true]);
    expect(watch.isScanner(request('1'), over('tcp'))).toBe(true);
    expect(watch.isScanner(request('1'), over('udp'))).toBe(false);
    expect(watch.sweepsSeen).toBe(1);
    nowMs += 61_000;
    expect(sweep(1, 'tls')).toEqual([false]);
  });

  it('not by one user called again and again, nor by many within more than a minute', () => {
    for (let at = 0; at < 20; at += 1) watch.calledInVain(request('1'), over('tcp'));
    expect(watch.isScanner(request('1'), over('tcp'))).toBe(false);
    nowMs += 61_000;
    expect(sweep(3, 'tcp')).toEqual([false, false, false]);
  });

  it.each(['udp', 'ws', 'wss'] as const)('not by what anybody may send in its name over %s', (protocol) => {
    expect(sweep(50, protocol)).not.toContain(true);
    expect(sweep(1, 'tcp')).toEqual([false]);
  });

  it('not where a call stands with somebody there', () => {
    expect(sweep(50, 'tcp', '192.0.2.200')).not.toContain(true);
  });

  it('not where somebody is whose calls are wanted, whatever he calls himself', () => {
    expect(sweep(50, 'tcp', '192.0.2.201')).not.toContain(true);
    const named = request('1', { agent: 'friendly-scanner' });
    expect(watch.isScanner(named, over('udp', '192.0.2.201'))).toBe(false);
  });

  it('of so many sources, of which the one that was quiet for longest is forgotten', () => {
    sweep(4, 'tcp', '192.0.2.1');
    sweep(1, 'tcp', '192.0.2.2');
    sweep(1, 'tcp', '192.0.2.3');
    expect(sweep(1, 'tcp', '192.0.2.1')).toEqual([false]);
  });
});
