/** The `streamMetadata` that goes with descriptions at this door, and the `mediaMetadata` that devices send. Pure. */
import type { MediaType } from '../../domain/media-plane.js';
import { sentStreams } from './device-sdp.js';
import { isRecord, RpcFailure, rpcError } from './json-rpc.js';

/** Keyed by the id of the MediaStream, as the device's browser names it. */
export type StreamMetadata = Readonly<
  Record<
    string,
    {
      readonly endpointId: string;
      readonly mediaTypes: readonly MediaType[];
      readonly alias?: string;
      readonly participantId: string;
    }
  >
>;

export interface PublishOffer {
  readonly sdpOffer: string;
  /** By id of the MediaStream. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Longer ones are not taken. */
const maxAliasLength = 128;
/** Streams of one device that may have an alias. */
const maxAliases = 64;

/** Reads the params of `offerSdp`. Throws RpcFailure where there is no offer; metadata that makes no sense is left out. */
export function readPublishOffer(params: unknown): PublishOffer {
  if (!isRecord(params) || typeof params['sdpOffer'] !== 'string')
    throw new RpcFailure(rpcError.invalidParams, 'sdpOffer is missing');
  const { sdpOffer, mediaMetadata } = params;
  const streams = isRecord(mediaMetadata) ? mediaMetadata['mediaStreams'] : undefined;
  const aliases = new Map<string, string>();
  for (const [streamId, metadata] of isRecord(streams) ? Object.entries(streams) : []) {
    const alias = isRecord(metadata) ? metadata['alias'] : undefined;
    if (isAlias(alias) && aliases.size < maxAliases) aliases.set(streamId, alias);
  }
  return { sdpOffer, aliases };
}

/** An alias is shown and logged: no control characters, and none that cannot be written as UTF-8. */
const isAlias = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  value.length <= maxAliasLength &&
  !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(value);

/** For the answer to `offerSdp`: what of each stream in the offer the participant may publish. */
export function publishedMetadata(
  offer: string,
  endpointId: string,
  participantId: string,
  mayPublish: readonly MediaType[],
): StreamMetadata {
  return Object.fromEntries(
    sentStreams(offer).map(({ streamId, mediaTypes }) => [
      streamId,
      { endpointId, mediaTypes: mediaTypes.filter((type) => mayPublish.includes(type)), participantId },
    ]),
  );
}

/** For `sdpOffer`: every stream that our offer sends. A stream's id is its publisher's, a dot and a number. */
export function subscribedMetadata(offer: string): StreamMetadata {
  return Object.fromEntries(
    sentStreams(offer).map(({ streamId, alias, mediaTypes }) => [
      streamId,
      {
        endpointId: streamId,
        mediaTypes,
        ...(alias === null ? {} : { alias }),
        participantId: streamId.slice(0, Math.max(0, streamId.lastIndexOf('.'))),
      },
    ]),
  );
}
