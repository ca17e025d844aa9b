/** The SIP door's calls without a SIP server: requests, responses and dialogs as drachtio-srf has them, over the domain. */
import { EventEmitter } from 'node:events';
import { expect } from 'vitest';
import { LimitedLines, strangersLines } from '../../src/domain/limited-lines.js';
import { silentLogger, type Logger } from '../../src/domain/logger.js';
import type { RefusedCall } from '../../src/domain/facts/refused-call.js';
import { IncomingCall, type IncomingCallSettings } from '../../src/doors/sip/incoming-call.js';
import { ownServer, type ServerTraits } from '../../src/doors/sip/server-traits.js';
import { StandingDialogs } from '../../src/doors/sip/standing-dialogs.js';
import type { Srf, SrfDialog, SrfRequest, SrfResponse, SrfResponseOptions } from '../../src/doors/sip/srf.js';
import { DomainFixture } from './domain-fixture.js';

export class Request extends EventEmitter implements SrfRequest {
  uri = 'sip:join@gateway.example';
  readonly source_address = '192.0.2.1';
  readonly source_port = 5060;
  readonly protocol = 'udp';
  constructor(
    readonly method: string,
    readonly headers: Record<string, string> = {},
    readonly body: string = '',
    readonly source: 'network' | 'application' = 'network',
  ) {
    super();
  }
  get(header: string): string | undefined {
    return this.headers[header];
  }
}

/** Behaves as drachtio-srf's: a final response is sent once. */
export class Response implements SrfResponse {
  readonly sent: { status: number; options: SrfResponseOptions }[] = [];
  readonly reason = '';
  get status(): number {
    return this.sent.at(-1)?.status ?? 0;
  }
  get finalResponseSent(): boolean {
    return this.sent.length > 0;
  }
  get(): undefined {
    return undefined;
  }
  send(status: number, options: SrfResponseOptions = {}): void {
    if (!this.finalResponseSent) this.sent.push({ status, options });
  }
}

export class Dialog extends EventEmitter implements SrfDialog {
  readonly local = { contact: '<sip:gateway@192.0.2.9>' };
  readonly sip: SrfDialog['sip'];
  constructor(callId: string) {
    super();
    this.sip = { callId, localTag: 'ours', remoteTag: 'theirs' };
  }
  connected = true;
  readonly byes: SrfResponseOptions[] = [];
  readonly reinvites: { body?: string }[] = [];
  destroy(options: SrfResponseOptions): Promise<unknown> {
    this.byes.push(options);
    return Promise.resolve();
  }
  request(options: { body?: string }): void {
    this.reinvites.push(options);
  }
}

/** Lets everything go on that can: a write to the store takes a turn of the event loop, and nothing here makes five in a row. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const offer =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n';
const contact = '<sip:caller@192.0.2.1:5070>';

/** One session, and calls to it. */
export class SipCallStage {
  readonly domain: DomainFixture;
  readonly sessionId: string;
  /** The lines in the log, without their fields. */
  readonly lines: string[] = [];
  readonly #dialogs = new StandingDialogs();

  private constructor(domain: DomainFixture, sessionId: string) {
    this.domain = domain;
    this.sessionId = sessionId;
  }

  static async open(): Promise<SipCallStage> {
    const domain = new DomainFixture();
    return new SipCallStage(domain, await domain.session());
  }

  /** A call whose 200 is confirmed when the test says so. */
  newCall(
    headers: Record<string, string>,
    body = offer,
    traits: ServerTraits = ownServer,
    settings: Partial<IncomingCallSettings> = {},
  ) {
    const request = new Request('INVITE', { 'Call-ID': 'c1', Contact: contact, ...headers }, body);
    const response = new Response();
    const dialog = new Dialog(request.headers['Call-ID'] ?? '');
    const refused: RefusedCall[] = [];
    const logger: Logger = {
      ...silentLogger,
      info: (_, message) => void this.lines.push(message),
      child: () => logger,
    };
    let closings = 0;
    let confirm: (dialog: Dialog) => void = () => undefined;
    let fail: (reason: unknown) => void = () => undefined;
    const created = new Promise<SrfDialog>((resolve, reject) => {
      confirm = resolve;
      fail = reject;
    });
    const srf = {
      // What an INVITE that stays unanswered is forgotten in.
      app: { client: { mapServer: new Map() } },
      createUAS: (
        _: unknown,
        to: Response,
        options: { localSdp: string; headers: Record<string, string> },
        callback: (error: unknown, dialog?: SrfDialog) => void,
      ) => {
        to.send(200, { body: options.localSdp, headers: options.headers });
        created.then(
          (made) => {
            callback(null, made);
            handle.onConfirmed();
          },
          (error: unknown) => callback(error),
        );
      },
    } as unknown as Srf;
    const call = new IncomingCall({
      srf,
      request,
      response,
      legs: this.domain.legs,
      dialogs: this.#dialogs,
      clock: this.domain.clock,
      logger,
      refusalLines: new LimitedLines({
        ...{ clock: this.domain.clock, ...strangersLines },
        tellMore: () => undefined,
      }),
      settings: {
        ...{ tokenHeaders: ['X-Landbridge-Token'], answerTimeoutMs: 10_000, retryAfterSeconds: 5 },
        ...settings,
      },
      traits,
      onRefused: (told) => void refused.push(told),
      onFarewell: () => undefined,
      onClosed: () => void (closings += 1),
    });
    const handle = {
      call,
      request,
      response,
      dialog,
      refused,
      get refusals() {
        return refused.map(({ code }) => code);
      },
      /** What happens in the turn in which the dialog comes to be. */
      onConfirmed: (): unknown => undefined,
      confirm: async () => {
        confirm(dialog);
        await settle();
      },
      fail: async (reason: unknown) => {
        fail(reason);
        await settle();
      },
      closings: () => closings,
    };
    return handle;
  }

  async newCaller() {
    return this.domain.participant(this.sessionId);
  }

  /** A call up to its ACK. */
  async established(body = offer) {
    const created = await this.newCaller();
    const call = this.newCall({ 'User-to-User': `${created.token};encoding=jwt` }, body);
    void call.call.run();
    await settle();
    await call.confirm();
    call.dialog.emit('ack', new Request('ACK', {}, body === '' ? 'their answer' : ''));
    await settle();
    return { ...call, created, media: this.domain.mediaOf(created) };
  }

  async expectNothingLeft(call: { closings(): number }): Promise<void> {
    await settle();
    expect(this.domain.legs.size).toBe(0);
    expect(this.domain.media.openLegs).toHaveLength(0);
    expect(this.domain.clock.pending).toBe(0);
    expect(call.closings()).toBe(1);
  }
}
