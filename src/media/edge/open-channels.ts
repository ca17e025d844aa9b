/** Opens the two channels of a phone’s leg in FreeSWITCH, and bridges them. */
import {
  type MediaLeg,
  type MediaPlane,
  mainConnection,
  MediaRefusal,
  type OpenLegRequest,
} from '../../domain/media-plane.js';
import type { Identity } from '../../sdp/audio-section.js';
import type { MediaAddress } from '../../sdp/media-address.js';
import {
  formatForFreeSwitch,
  placeholderTerms,
  readFreeSwitchEnd,
  type CarrierTerms,
  type FreeSwitchEnd,
} from './carrier-sdp.js';
import { ChannelRefusal, type Channel } from './channel.js';
import type { FreeSwitchServer } from './freeswitch-server.js';
import type { LegEvents } from './leg-events.js';
import { formatInnerEnd, lawBeside, readInnerAddress, type InnerTerms } from './worker-sdp.js';

/** A phone's way: carrier — outer channel — inner channel — media worker. */
export interface OpenedChannels {
  readonly worker: MediaLeg;
  readonly outer: Channel;
  readonly outerEnd: FreeSwitchEnd;
  readonly inner: Channel;
  readonly innerEnd: FreeSwitchEnd;
  /** Where FreeSWITCH reaches the media worker's leg. */
  readonly workerEnd: MediaAddress;
  /** What the inner channel and the worker have agreed on. */
  readonly innerTerms: InnerTerms;
}

export interface OpenChannelsOptions {
  readonly request: OpenLegRequest;
  /** What the carrier's offer says; null where it made none. */
  readonly terms: CarrierTerms | null;
  /** See OuterChannel. */
  readonly isUntouched: boolean;
  readonly native: MediaPlane;
  /** Where FreeSWITCH reaches the media workers; null: where their own descriptions say. */
  readonly workerAddress: string | null;
  readonly server: FreeSwitchServer;
  readonly events: LegEvents;
  /** For descriptions of ours towards FreeSWITCH. */
  readonly identity: Identity;
  /** FreeSWITCH is lost: nobody waits any longer. */
  readonly signal: AbortSignal;
}

/**
 * Opens the worker's leg and both channels, side by side as far as they need not know of each other, and joins them. All or
 * nothing. Throws MediaRefusal for what another FreeSWITCH could not do either, any other error for a fault of this one.
 */
export async function openChannels(options: OpenChannelsOptions): Promise<OpenedChannels> {
  const { request, terms, isUntouched, native, workerAddress, server, events, identity, signal } = options;
  const innerTerms: InnerTerms = {
    law: terms === null ? 'PCMU' : lawBeside(terms.codec.name),
    direction: 'sendrecv',
    maxPtimeMs: terms?.maxPtimeMs ?? null,
  };
  const failed = new AbortController();
  const abort = (): void => failed.abort();
  signal.addEventListener('abort', abort);
  const opened: { worker?: MediaLeg; channels: Channel[] } = { channels: [] };
  const keep = async (opening: Promise<Channel>): Promise<Channel> => {
    const channel = await opening;
    opened.channels.push(channel);
    return channel;
  };

  const outward = async () => {
    const carrier = terms ?? placeholderTerms();
    const description = formatForFreeSwitch(carrier, identity);
    const outer = await keep(server.openOuter({ description, isUntouched }, failed.signal)).catch(toRefusal);
    return { outer, outerEnd: readFreeSwitchEnd(outer.description, carrier) };
  };
  const inward = async () => {
    const worker = await native.openLeg({
      ...request,
      ...mainConnection('phone', null),
      listener: events,
      // Whatever the carrier speaks, what comes here is G.711.
      phoneTerms: {
        codecs: ['PCMU', 'PCMA'],
        telephoneEvents: request.phoneTerms?.telephoneEvents ?? true,
        // FreeSWITCH is beside it, and encrypts towards the carrier.
        srtp: 'off',
      },
    });
    opened.worker = worker;
    const connection = worker.connection('main');
    const own = readInnerAddress(connection.localDescription);
    const workerEnd = { ...own, address: workerAddress ?? own.address };
    const end = formatInnerEnd(workerEnd, innerTerms, identity);
    const inner = await keep(server.openInner(end, failed.signal));
    const innerEnd = readFreeSwitchEnd(inner.description, { srtp: null });
    // Awaited beside the bridge.
    const accepted = connection.accept(formatInnerEnd(innerEnd, innerTerms, identity));
    accepted.catch(() => undefined);
    return { accepted, inside: { worker, workerEnd, inner, innerEnd, innerTerms } };
  };

  const both = [outward(), inward()] as const;
  try {
    if (signal.aborted) failed.abort();
    const [outside, { accepted, inside }] = await Promise.all(both);
    await Promise.all([server.bridge(outside.outer, inside.inner), accepted]);
    if (failed.signal.aborted || opened.channels.some(({ hasEnded }) => hasEnded))
      throw new Error('FreeSWITCH ended a channel while the leg was opened');
    return { ...outside, ...inside };
  } catch (error) {
    failed.abort();
    await Promise.allSettled(both);
    void hangUpAll(server, opened.channels);
    await opened.worker?.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Ends channels by command, so that FreeSWITCH sends both BYEs: one of ours would cross its own, for the end of one channel may
 * be the other's too. Resolves when they are gone; never rejects.
 */
export async function hangUpAll(server: FreeSwitchServer, channels: readonly Channel[]): Promise<void> {
  for (const channel of channels) channel.endSilently();
  if (!server.isAlive) for (const channel of channels) channel.abandon();
  else await server.kill(channels);
  await Promise.all(channels.map((channel) => channel.gone()));
}

/** RFC 3261 §21.4.26, §21.6.4, §21.4.13: it is the description that FreeSWITCH does not like. */
function toRefusal(error: unknown): never {
  if (error instanceof ChannelRefusal && [415, 488, 606].includes(error.status))
    throw new MediaRefusal('no-common-codec', 'FreeSWITCH takes none of it');
  throw error;
}
