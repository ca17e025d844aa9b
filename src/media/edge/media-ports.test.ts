import { describe, expect, it } from 'vitest';
import { isOneOf, readMediaPorts } from './media-ports.js';

/** Answers of FreeSWITCH's event socket, by the variable that was asked for. */
const freeSwitch = (variables: Readonly<Record<string, string>>) => (name: string) =>
  Promise.resolve(variables[name] ?? '');

const ours = { rtp_address: '192.0.2.1\n', rtp_first_port: '10000', rtp_last_port: '19998' };

describe("FreeSWITCH's own ports for media", () => {
  it('are as its variables say, RTCP included', async () => {
    expect(await readMediaPorts(freeSwitch(ours))).toEqual({
      ...{ address: '192.0.2.1', first: 10_000, last: 19_999 },
    });
  });

  it.each([
    ['has no such variables', {}],
    ['answers with an error', { ...ours, rtp_address: '-ERR no reply' }],
    ['has a name for an address', { ...ours, rtp_address: 'auto' }],
    ['has a range that is none', { ...ours, rtp_last_port: '9999' }],
    ['has no range', { ...ours, rtp_first_port: '' }],
  ])('are not known where it %s', async (_what, variables) => {
    expect(await readMediaPorts(freeSwitch(variables))).toBeNull();
  });

  it.each([
    ['192.0.2.1', 10_000, true],
    ['192.0.2.1', 19_999, true],
    ['203.0.113.9', 12_000, true],
    ['192.0.2.1', 9999, false],
    ['192.0.2.1', 20_000, false],
    ['198.51.100.1', 12_000, false],
  ])('are no destination: %s port %i: %s', (address, port, isOwn) => {
    const ports = { address: '192.0.2.1', first: 10_000, last: 19_999 };
    expect(isOneOf(ports, '203.0.113.9', { address, port })).toBe(isOwn);
  });
});
