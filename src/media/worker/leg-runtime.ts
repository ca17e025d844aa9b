/** Puts together what a worker process needs for its legs, from its settings. */
import { networkInterfaces } from 'node:os';
import { createBrowserLeg } from './browser/browser-leg.js';
import { specific } from './browser/browser-transport.js';
import { IceTcpServer } from './browser/ice-tcp/ice-tcp-server.js';
import { SharedUdpPort } from './browser/shared-udp-port.js';
import type { CreateRuntime, LegRuntime } from './media-worker.js';
import { Mixes } from './mix/mixes.js';
import { allPhoneEndpoints, broadcastAddresses, endpointsFrom, reachedAt } from './phone/phone-endpoints.js';
import { createPhoneLeg } from './phone/phone-leg.js';
import type { WorkerSettings } from './protocol.js';
import { GatewayPorts } from './rtp/gateway-ports.js';
import { PortAllocator } from './rtp/port-allocator.js';
import { holdSound } from './sound/hold-sound.js';
import { PromptSounds } from './sound/prompt-sounds.js';
import { SoundLibrary } from './sound/sound-library.js';
import { SoundLoop } from './sound/sound-loop.js';
import { readWavFile } from './sound/wav-file.js';
import { TickClock } from './tick-clock.js';
import { WorkerRefusal } from './worker-refusal.js';

/** What the legs of a worker process share: its ports, its tick, its mixes, its sounds. Throws WorkerRefusal. */
export const createLegRuntime: CreateRuntime = async (settings, askOwner): Promise<LegRuntime> => {
  const { bindAddress } = settings;
  const interfaces = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const endpoints = allPhoneEndpoints(settings, settings.otherEndpoints, interfaces);
  const ports = sharePorts(settings);
  const tickClock = new TickClock();
  const phonePorts = new PortAllocator({
    ...ports.phone,
    restMs: settings.portRestMs,
    resting: settings.restingPorts,
  });
  const browserPorts = new Set<number>();
  const gatewayPorts = new GatewayPorts({
    addresses: [...reachedAt(endpoints, interfaces), ...settings.otherAdvertised],
    broadcasts: broadcastAddresses(interfaces),
    ...settings.gatewayPorts,
    own: settings.rtpPorts,
    holds: (port) => phonePorts.isTaken(port) || browserPorts.has(port),
    askOwner,
  });
  const phone = {
    ports: phonePorts,
    codecs: settings.phoneCodecs,
    srtp: settings.phoneSrtp,
    endpoints,
    gatewayPorts,
    tickClock,
    mixes: new Mixes({ targetMs: settings.jitterTargetMs }),
    rtpTimeoutBeforeFirstMs: settings.rtpTimeoutBeforeFirstMs,
    rtpTimeoutMs: settings.rtpTimeoutMs,
    sounds: new SoundLibrary({ maxSeconds: settings.maxSoundSeconds, maxBytes: settings.maxSoundBytes }),
    hold:
      settings.holdMusic === null
        ? new SoundLoop(holdSound())
        : await readHoldMusic(settings.holdMusic, settings),
    prompts: PromptSounds.read(settings.promptDirectory),
  };
  const { sharedPort, tcpPort } = settings.browserPorts;
  const tcp = tcpPort === null ? null : await IceTcpServer.open(specific(bindAddress), tcpPort);
  const browser = {
    bindAddress,
    ...(settings.advertisedAddress !== null && { advertisedAddress: settings.advertisedAddress }),
    ...(ports.browser !== null && { ports: ports.browser }),
    ...(sharedPort !== null && { sharedPort: new SharedUdpPort(specific(bindAddress), sharedPort) }),
    ...(tcp !== null && { tcp }),
    portsInUse: browserPorts,
    ...settings.browser,
  };
  return {
    factories: {
      phone: (options) =>
        createPhoneLeg({
          ...options,
          ...phone,
          endpoints: endpointsFrom(endpoints, options.localAddress ?? null),
        }),
      browser: ({ advertisedAddress = null, ...options }) =>
        createBrowserLeg({
          ...options,
          ...browser,
          ...(advertisedAddress !== null && { advertisedAddress }),
        }),
    },
    tickClock,
    portsTakenUnrested: () => phonePorts.takenUnrested,
    refuseOwn: (destination) => gatewayPorts.refuse(destination, null),
    ownsPort: (destination) => gatewayPorts.owns(destination),
    close: async () => {
      tickClock.close();
      await tcp?.close();
    },
  };
};

async function readHoldMusic(path: string, { maxSoundSeconds }: WorkerSettings): Promise<SoundLoop> {
  try {
    return new SoundLoop(await readWavFile(path, { maxSeconds: maxSoundSeconds }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WorkerRefusal('bad-sound', `the hold music ${path} cannot be used: ${why}`);
  }
}

interface Ports {
  readonly from: number;
  readonly to: number;
}

/**
 * Where browsers have no ports of their own: two thirds for phones, which take two ports each, a third for browsers, which
 * take one: neither can take a port that the other would bind next, or that rests after a phone call.
 */
function sharePorts({ rtpPorts, browserPorts }: WorkerSettings): {
  readonly phone: Ports;
  /** Null: browsers have none of their own. */
  readonly browser: Ports | null;
} {
  const { from, to } = rtpPorts;
  if (browserPorts.sharedPort !== null) return { phone: rtpPorts, browser: null };
  if (browserPorts.ports !== null) return { phone: rtpPorts, browser: browserPorts.ports };
  const firstOfBrowsers = from + Math.floor((to + 1 - from) / 3) * 2;
  return { phone: { from, to: firstOfBrowsers - 1 }, browser: { from: firstOfBrowsers, to } };
}
