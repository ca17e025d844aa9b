/** What a device’s leg is opened with. */
import type { LegOpening } from '../../domain/media-plane.js';

/**
 * How a device's leg is opened: the device offers what it publishes, and data channels with it; what it receives is offered
 * by the gateway, over a connection of its own. Neither has a description yet.
 */
export const deviceOpening: LegOpening = {
  kind: 'browser',
  connections: [
    {
      name: 'publish',
      flow: 'publish',
      // The channels that Bandwidth's clients open. They take a connection for dead that answers no PING.
      dataChannels: [
        { id: 0, label: '__heartbeat__', protocol: 'udp', replies: { PING: 'PONG' } },
        { id: 1, label: '__diagnostics__', protocol: 'udp', replies: {} },
      ],
    },
    { name: 'subscribe', flow: 'receive' },
  ],
};
