/** Sends a request outside of a dialog to one server after the other, until one of them takes it (RFC 3263 §4.3). */
import { formatMessage } from '../message/format-message.js';
import { HeaderFields } from '../message/header-fields.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { UserAgentEnvironment } from './environment.js';
import { newBranch } from './identifiers.js';
import { isForStream } from './message-size.js';
import type { Attempt, Failure, OutgoingRequest, OutgoingRequestParts } from './outgoing-request.js';
import { composeNewRequest } from './requests.js';
import { createLocalResponse, retryAfterMs } from './responses.js';

/** A request as it leaves. */
export interface Departure extends OutgoingRequestParts {
  readonly bytes: Buffer;
  readonly branch: string;
}

/** What is needed here of the user agent client. */
export interface Departures {
  readonly launch: (departure: Departure) => void;
  /** Whether somebody still waits for its response. */
  readonly isPending: (outgoing: OutgoingRequest) => boolean;
  /** Sends CANCEL, as soon as the far end has shown that it is there. */
  readonly giveUp: (outgoing: OutgoingRequest) => void;
  readonly conclude: (outgoing: OutgoingRequest, response: SipResponse, flow: Flow) => void;
}

/** What must be the same in each attempt: the request is another transaction, and no other request (RFC 3263 §4.3). */
const settledFields = ['From', 'To', 'Call-ID', 'CSeq'];

export class FailOver {
  readonly #environment: UserAgentEnvironment;
  readonly #departures: Departures;

  constructor(environment: UserAgentEnvironment, departures: Departures) {
    this.#environment = environment;
    this.#departures = departures;
  }

  /** The request as it goes to the first server that can be connected to, or nowhere; then it fails like any other. */
  async begin(attempt: Attempt): Promise<Departure> {
    return (await this.#compose(attempt)) ?? this.#written(attempt, attempt.way.nowhere);
  }

  /** The request has gone out: where its server says nothing, the next is asked. */
  watch(outgoing: OutgoingRequest): void {
    const { clock, settings } = this.#environment;
    if (outgoing.attempt === undefined || outgoing.attempt.way.isSole) return;
    outgoing.firstResponse = clock.setTimer(settings.firstResponseMs, () => {
      outgoing.firstResponse = undefined;
      if (outgoing.isCancelled) return;
      outgoing.attempt?.way.failed(outgoing.flow, 'silent');
      void this.#goOn(outgoing, null);
    });
  }

  /** No longer waits for the first response of its server. */
  unwatch(outgoing: OutgoingRequest): void {
    if (outgoing.firstResponse === undefined) return;
    this.#environment.clock.clearTimer(outgoing.firstResponse);
    outgoing.firstResponse = undefined;
  }

  /**
   * A response came, or is told in the place of one. True where the next server is asked first: whoever waits hears of that one,
   * or of this response where there is none.
   */
  takes(outgoing: OutgoingRequest, response: SipResponse, flow: Flow, isLocal: boolean): boolean {
    this.unwatch(outgoing);
    if (!isLocal) outgoing.wasHeard = true;
    const { attempt, search } = outgoing;
    const { status } = response;
    const isRefused = status === 503 || isLocal;
    if (search?.failure === null && isRefused && !outgoing.isCancelled) {
      search.failure = { response, flow };
      return true;
    }
    if (attempt === undefined) return false;
    const { way } = attempt;
    if (!isLocal && status !== 503) way.answered(outgoing.flow);
    else
      way.failed(
        outgoing.flow,
        isLocal ? (status === 408 ? 'silent' : 'unreachable') : retryAfterMs(response),
      );
    // It rings, or rang, there: what comes now is the outcome.
    if (status > 100 && status < 200) outgoing.attempt = undefined;
    if (!isRefused || way.isSole || outgoing.isCancelled) return false;
    void this.#goOn(outgoing, { response, flow });
    return true;
  }

  /** Asks the next server. `failureSoFar`: what is told where there is none; null: the one that was asked may still answer. */
  async #goOn(outgoing: OutgoingRequest, failureSoFar: Failure | null): Promise<void> {
    const { attempt } = outgoing;
    if (attempt === undefined) return;
    outgoing.attempt = undefined;
    const search = { failure: failureSoFar };
    outgoing.search = search;
    const departure = this.#environment.transactions.isFull ? null : await this.#compose(attempt);
    outgoing.search = undefined;
    const { failure } = search;
    if (!this.#departures.isPending(outgoing)) return;
    if (failure === null && (departure === null || outgoing.isCancelled || outgoing.wasHeard)) {
      outgoing.attempt = attempt;
      return;
    }
    if (failure !== null && (departure === null || outgoing.isCancelled)) {
      const response = outgoing.isCancelled ? createLocalResponse(outgoing.request, 487) : failure.response;
      this.#departures.conclude(outgoing, response, failure.flow);
      return;
    }
    if (departure === null) return;
    const { id, owner, onResponse } = outgoing;
    outgoing.owner = undefined;
    outgoing.isReplaced = true;
    if (failure === null) {
      outgoing.transaction?.abandon();
      if (outgoing.request.method === 'INVITE') this.#departures.giveUp(outgoing);
    }
    this.#departures.launch({ ...departure, id, owner, onResponse });
  }

  /** Null where no other server can be connected to. */
  async #compose(attempt: Attempt): Promise<Departure | null> {
    const { way, mayStream } = attempt;
    const flow = await way.next();
    if (flow === null) return null;
    const written = this.#written(attempt, flow);
    if (!mayStream || !isForStream(flow, written.bytes)) return written;
    const stream = await way.streamBeside(flow);
    return stream === null ? written : this.#written(attempt, stream);
  }

  #written(attempt: Attempt, flow: Flow): Departure {
    const branch = newBranch();
    const request = composeNewRequest(attempt.draft, flow, branch, this.#environment);
    const bytes = formatMessage(request);
    const draft = attempt.way.isSole ? attempt.draft : settled(attempt.draft, request);
    return { request, bytes, branch, flow, attempt: { ...attempt, draft } };
  }
}

function settled(draft: SipRequest, sent: SipRequest): SipRequest {
  const headers = new HeaderFields(draft.headers);
  for (const name of settledFields) headers.set(name, sent.headers.get(name) ?? '');
  return { ...draft, headers };
}
