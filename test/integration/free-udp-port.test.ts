/** The ports of browser legs: found by trying, handed over to a library that dies of a port that is taken. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { withFreeUdpPort } from '../../src/media/worker/browser/free-udp-port.js';

describe('a free UDP port', () => {
  it('is handed to one user at a time, and left alone by everybody else’s search', async () => {
    // Somewhere in the range of ports that the system hands out; what others hold there is left out.
    const system = createSocket('udp4').bind(0, '127.0.0.1');
    await once(system, 'listening');
    const from = Math.min(system.address().port, 65_000);
    system.close();

    const users = 20;
    const ports: number[] = [];
    let onAll: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (onAll = resolve));
    const use = async (port: number): Promise<void> => {
      ports.push(port);
      if (ports.length === users) onAll();
      await all;
    };
    await Promise.all(
      Array.from({ length: users }, () => withFreeUdpPort('127.0.0.1', { from, to: from + 3 * users }, use)),
    );
    expect(new Set(ports).size).toBe(users);
  });
});
