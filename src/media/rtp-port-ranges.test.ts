import { expect, it } from 'vitest';
import { shareBrowserPorts, splitPortRange } from './rtp-port-ranges.js';

it('cuts a range into disjoint ranges that begin even and end odd', () => {
  expect(splitPortRange({ from: 20000, to: 29999 }, 2)).toEqual([
    { from: 20000, to: 24999 },
    { from: 25000, to: 29999 },
  ]);
  expect(splitPortRange({ from: 20001, to: 20017 }, 3)).toEqual([
    { from: 20002, to: 20005 },
    { from: 20006, to: 20009 },
    { from: 20010, to: 20013 },
  ]);
});

it('says so when the ports do not suffice for the workers', () => {
  expect(() => splitPortRange({ from: 20000, to: 20006 }, 2)).toThrow(RangeError);
});

it('gives each worker its part of the ports for browsers, and the next of the shared ones', () => {
  const none = { sharedPort: 0, tcpPort: 0 };
  expect(shareBrowserPorts(none, 2)).toEqual([
    { ports: null, sharedPort: null, tcpPort: null },
    { ports: null, sharedPort: null, tcpPort: null },
  ]);
  expect(shareBrowserPorts({ ...none, ports: { from: 30_001, to: 30_005 } }, 2)).toEqual([
    { ports: { from: 30_001, to: 30_002 }, sharedPort: null, tcpPort: null },
    { ports: { from: 30_003, to: 30_004 }, sharedPort: null, tcpPort: null },
  ]);
  expect(shareBrowserPorts({ sharedPort: 19_000, tcpPort: 443 }, 2)).toEqual([
    { ports: null, sharedPort: 19_000, tcpPort: 443 },
    { ports: null, sharedPort: 19_001, tcpPort: 444 },
  ]);
  expect(() => shareBrowserPorts({ ...none, ports: { from: 30_000, to: 30_001 } }, 3)).toThrow(RangeError);
});
