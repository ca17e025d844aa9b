/**
 * Serves a device's requests one after the other, each when the one before is answered. Only so many may wait: the others are
 * refused at once.
 */
import type { Clock } from '../../domain/clock.js';
import type { DoorLeg } from '../../domain/legs/door-leg.js';
import { guestsLines, LimitedLines } from '../../domain/limited-lines.js';
import type { Logger } from '../../domain/logger.js';
import { refusalOf } from '../../domain/refusal-of.js';
import { withAliases } from './device-sdp.js';
import { diagnosticsSummary } from './diagnostics.js';
import {
  formatRpcError,
  formatRpcResult,
  isRecord,
  RpcFailure,
  rpcError,
  type RpcErrorCode,
  type RpcMessage,
} from './json-rpc.js';
import { publishedMetadata, readPublishOffer } from './stream-metadata.js';
import type { SubscribeNegotiation } from './subscribe-negotiation.js';

/** What asks for something: a request, which is answered, or a notification, which is not. */
export type RpcCall = Extract<RpcMessage, { kind: 'request' | 'notification' }>;

export interface DeviceRequestsOptions {
  /** Its media is open. */
  readonly leg: DoorLeg;
  readonly negotiation: SubscribeNegotiation;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Requests that wait for those before them. */
  readonly maxPending: number;
  /** Towards the device, over the connection that it has then. */
  readonly send: (text: string) => void;
}

export class DeviceRequests {
  readonly #options: DeviceRequestsOptions;
  readonly #refusalLines: LimitedLines;
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(options: DeviceRequestsOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#refusalLines = new LimitedLines({
      ...{ clock, ...guestsLines },
      tellMore: (counts) => logger.info(counts, 'refused more of a device’s requests'),
    });
  }

  /** The device has left. Idempotent. */
  close(): void {
    this.#refusalLines.close();
  }

  serve(call: RpcCall): void {
    if (this.#pending >= this.#options.maxPending) {
      this.#fail(call, { code: rpcError.busy, text: 'too many requests at once' });
      return;
    }
    this.#pending += 1;
    this.#tail = this.#tail
      .then(() => this.#result(call.method, call.params))
      .then(
        (result) => {
          if (call.kind === 'request') this.#options.send(formatRpcResult(call.id, result));
        },
        (error: unknown) => this.#fail(call, this.#failure(call.method, error)),
      )
      .finally(() => {
        this.#pending -= 1;
      });
  }

  #fail(call: RpcCall, { code, text }: { readonly code: RpcErrorCode; readonly text: string }): void {
    if (call.kind === 'request') this.#options.send(formatRpcError(call.id, code, text));
  }

  async #result(method: string, params: unknown): Promise<unknown> {
    switch (method) {
      case 'setMediaPreferences':
      case 'ping':
        return {};
      case 'offerSdp':
        return this.#answerOffer(params);
      case 'answerSdp':
        await this.#takeAnswer(params);
        return {};
      case 'deviceDiagnostics':
        this.#options.logger.debug(diagnosticsSummary(params), 'diagnostics of a device');
        return {};
      default:
        throw new RpcFailure(rpcError.methodNotFound, 'there is no such method');
    }
  }

  async #answerOffer(params: unknown): Promise<unknown> {
    const { sdpOffer, aliases } = readPublishOffer(params);
    const { leg } = this.#options;
    if (leg.hasEnded) throw new RpcFailure(rpcError.internal, 'the device has left');
    const sdpAnswer = await leg.connection('publish').answer(withAliases(sdpOffer, aliases));
    const { id, publishPermissions } = leg.participant;
    const endpointId = `${leg.legId}.publish`;
    return {
      sdpAnswer,
      endpointId,
      streamMetadata: publishedMetadata(sdpOffer, endpointId, id, publishPermissions),
    };
  }

  async #takeAnswer(params: unknown): Promise<void> {
    const sdpAnswer = isRecord(params) ? params['sdpAnswer'] : undefined;
    if (typeof sdpAnswer !== 'string') throw new RpcFailure(rpcError.invalidParams, 'sdpAnswer is missing');
    await this.#options.negotiation.answer(sdpAnswer);
  }

  #failure(method: string, error: unknown): { readonly code: RpcErrorCode; readonly text: string } {
    const { logger } = this.#options;
    if (error instanceof RpcFailure) return { code: error.code, text: error.message };
    const refusal = refusalOf(error);
    if (refusal !== null) {
      const { code, detail } = refusal;
      const line = () => logger.info({ method, code, detail }, 'refused a device’s request');
      this.#refusalLines.write(line, { requests: 1 });
      const isItsOwnFault = code === 'bad-sdp' || code === 'no-common-codec';
      return { code: isItsOwnFault ? rpcError.invalidParams : rpcError.internal, text: code };
    }
    logger.error({ method, err: error }, 'a device’s request failed');
    return { code: rpcError.internal, text: 'internal error' };
  }
}
