/** A SIP door in this process, over the domain with media that only records, behind one or several SIP servers. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DomainFixture, account } from '../support/domain-fixture.js';
import { startDrachtio } from '../support/drachtio.js';
import { audioOffer, RawSip, type RawMessage } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import { systemClock, type Clock, type Timer } from '../../src/domain/clock.js';
import type { DialIn } from '../../src/domain/numbers/phone-number.js';
import type { Logger } from '../../src/domain/logger.js';
import { createQuickAck } from '../../src/doors/sip/quick-ack.js';
import { SipDoor } from '../../src/doors/sip/sip-door.js';
import type { LinkSettings } from '../../src/doors/sip/sip-server-link.js';
import { createSipServer, type SipServer } from '../../src/sip-server/index.js';

export interface OutsideServer {
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  readonly sipPort: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const secret = 'the secret of the SIP server';
const loopback = { host: '127.0.0.1', port: 0 };

/** Our own SIP server in the place of a drachtio-server: it speaks the same admin protocol. */
export class StandIn implements OutsideServer {
  readonly admin: OutsideServer['admin'];
  readonly sipPort: number;
  #server: SipServer;

  private constructor(server: SipServer) {
    this.#server = server;
    this.admin = { host: '127.0.0.1', port: server.adminAddress.port, secret };
    this.sipPort = server.udpAddress?.port ?? 0;
  }

  static async start(itsSecret = secret): Promise<StandIn> {
    return new StandIn(
      await createSipServer({ udp: loopback, tcp: loopback, admin: { ...loopback, secret: itsSecret } }),
    );
  }

  kill(): Promise<void> {
    return this.#server.close();
  }

  async restart(): Promise<void> {
    await this.#server.close();
    this.#server = await createSipServer({
      udp: { host: '127.0.0.1', port: this.sipPort },
      tcp: { host: '127.0.0.1', port: this.sipPort },
      admin: { ...this.admin },
    });
  }

  stop(): Promise<void> {
    return this.#server.close();
  }
}

export async function realServer(): Promise<OutsideServer & { readonly pid: number }> {
  const server = await startDrachtio();
  if (server === null) throw new Error('no drachtio-server');
  return server;
}

/** Stands between the gateway and a server's admin port, and cuts or holds up what goes through. */
export class Relay {
  readonly #listener: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** The admin port behind. */
  target: number;
  /** What the gateway wrote, up to now. */
  written = 0;
  /** Connections that it took, up to now. */
  accepted = 0;
  /** The largest frame among it. */
  largestFrame = 0;

  private constructor(listener: Server, target: number) {
    this.#listener = listener;
    this.target = target;
  }

  static async open(target: number): Promise<Relay> {
    const listener = createServer({ noDelay: true });
    const relay = new Relay(listener, target);
    listener.on('connection', (near) => relay.#accept(near));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** The server lives on; the gateway can connect anew. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing passes any more, though nobody hangs up. */
  holdUp(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause().unpipe();
  }

  /** Nothing more comes to the server, though what that says still arrives. */
  muteGateway(): void {
    for (const [near] of this.#pairs) near.pause().unpipe();
  }

  /** What it has said meanwhile arrives, too. */
  unmuteGateway(): void {
    for (const [near, far] of this.#pairs) near.pipe(far);
  }

  /** Nothing more comes to the gateway, though what it says still arrives. */
  muteServer(): void {
    for (const [, far] of this.#pairs) far.pause().unpipe();
  }

  async close(): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #accept(near: Socket): void {
    this.accepted += 1;
    const far = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    let unread = Buffer.alloc(0);
    near.on('data', (bytes: Buffer) => {
      this.written += bytes.length;
      unread = Buffer.concat([unread, bytes]);
      for (let hash = unread.indexOf('#'); hash > 0; hash = unread.indexOf('#')) {
        const size = hash + 1 + Number(unread.toString('latin1', 0, hash));
        this.largestFrame = Math.max(this.largestFrame, size);
        if (unread.length < size) break;
        unread = unread.subarray(size);
      }
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

function recordingLogger(lines: LogLine[], bindings: object = {}): Logger {
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...bindings, ...fields } });
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => recordingLogger(lines, { ...bindings, ...more }),
  };
}

/** Who calls this number waits for `letIn`. */
export const heldNumber = '+15550100';

/** Fast enough for a test, slow enough for a busy machine. */
export const fast: LinkSettings = {
  longestRetryMs: 400,
  graceMs: 20_000,
  probeMs: 500,
  probeFailures: 3,
};

/** A timer that the door has set. */
interface Waiting {
  readonly delayMs: number;
  readonly callback: () => void;
  readonly timer: Timer;
}

/** What the door did, as it does it. */
interface Heard {
  readonly delays: readonly number[];
  readonly dialled: readonly string[];
  readonly waiting: Waiting[];
}

export class DoorStage {
  readonly domain: DomainFixture;
  readonly log: LogLine[];
  readonly door: SipDoor;
  /** The delay of every timer that the door has set, in milliseconds. */
  readonly delays: readonly number[];
  /** Numbers that calls without a token were made to, as they were dialled. */
  readonly dialled: readonly string[];
  readonly #waiting: Waiting[];
  readonly #own: SipServer | null;
  readonly #letIn: (how: DialIn) => void;
  readonly #agents: RawSip[] = [];

  private constructor(
    domain: DomainFixture,
    log: LogLine[],
    door: SipDoor,
    heard: Heard,
    own: SipServer | null,
    letIn: (how: DialIn) => void,
  ) {
    this.#letIn = letIn;
    this.dialled = heard.dialled;
    this.#waiting = heard.waiting;
    this.domain = domain;
    this.log = log;
    this.door = door;
    this.delays = heard.delays;
    this.#own = own;
  }

  /** `itsOwn`: the gateway's own SIP server. Default one that phones do not reach. */
  static async open(
    servers: readonly OutsideServer['admin'][],
    settings: Partial<LinkSettings> = {},
    itsOwn?: OutsideServer['admin'],
  ): Promise<DoorStage> {
    const domain = new DomainFixture();
    const log: LogLine[] = [];
    const delays: number[] = [];
    const dialled: string[] = [];
    const waiting: Waiting[] = [];
    const clock: Clock = {
      now: () => systemClock.now(),
      after(delayMs, callback) {
        delays.push(delayMs);
        const timer = systemClock.after(delayMs, callback);
        waiting.push({ delayMs, callback, timer });
        return timer;
      },
    };
    let letInNow: (how: DialIn) => void = () => undefined;
    const letIn = new Promise<DialIn>((resolve) => (letInNow = resolve));
    const own = itsOwn === undefined ? await createSipServer({ admin: { ...loopback, secret } }) : null;
    const door = await SipDoor.open({
      server: itsOwn ?? { host: '127.0.0.1', port: own?.adminAddress.port ?? 0, secret },
      external: { servers, settings: { ...fast, ...settings }, quickAck: createQuickAck() },
      legs: domain.legs,
      isDraining: () => domain.legs.isDraining,
      clock,
      logger: recordingLogger(log),
      settings: {
        tokenHeaders: ['X-Token'],
        answerTimeoutMs: 10_000,
        retryAfterSeconds: 5,
        dialIn: (number) => {
          dialled.push(number);
          return number === heldNumber ? letIn : Promise.resolve(null);
        },
      },
      onRefused: () => undefined,
    });
    return new DoorStage(domain, log, door, { delays, dialled, waiting }, own, letInNow);
  }

  async agent(sipPort: number): Promise<RawSip> {
    const agent = await RawSip.open(sipPort);
    this.#agents.push(agent);
    return agent;
  }

  /** Answers those who called the held number. */
  async letIn(): Promise<void> {
    const { token } = await this.domain.sessions.createParticipant(account, {});
    this.#letIn({ credential: { kind: 'jwt', value: token }, attendant: null });
  }

  /** A caller that is let in. */
  async call(sipPort: number): Promise<AnsweredCall> {
    const agent = await this.agent(sipPort);
    const { token } = await this.domain.sessions.createParticipant(account, {});
    const answered = this.domain.ofType('call.answered').length;
    agent.send(agent.invite({ headers: [`X-Token: ${token}`], body: audioOffer(4000) }));
    const answer = await agent.final('INVITE');
    if (answer.status !== 200) throw new Error(answer.startLine);
    const call = new AnsweredCall(agent, answer);
    call.send('ACK', 1);
    // The answer is here before the gateway is told that it was sent.
    await waitFor('the call is answered', () => this.domain.ofType('call.answered').length > answered);
    return call;
  }

  /** The time of the last timer of that delay is up. Throws where there was none. */
  runOut(delayMs: number): void {
    const found = this.#waiting.findLastIndex((one) => one.delayMs === delayMs);
    const [last] = found === -1 ? [] : this.#waiting.splice(found, 1);
    if (last === undefined) throw new Error(`no timer of ${String(delayMs)} ms was set`);
    last.timer.cancel();
    last.callback();
  }

  logged(message: string): number {
    return this.log.filter((line) => line.message.includes(message)).length;
  }

  async close(): Promise<void> {
    await this.door.close();
    for (const agent of this.#agents) agent.close();
    await this.#own?.close();
  }
}

/** A dialog, seen by the one who called. */
export class AnsweredCall {
  readonly agent: RawSip;
  readonly contact: string;
  readonly toTag: string;

  constructor(agent: RawSip, answer: RawMessage) {
    this.agent = agent;
    this.contact = /<([^>]+)>/.exec(answer.header('Contact') ?? '')?.[1] ?? '';
    this.toTag = /tag=([^;]+)/.exec(answer.header('To') ?? '')?.[1] ?? '';
  }

  send(method: string, cseq: number, headers: readonly string[] = [], body = ''): void {
    const branch = `${this.agent.branch}${method}${String(cseq)}`;
    this.agent.send(
      this.agent.request(method, { uri: this.contact, cseq, toTag: this.toTag, headers, body, branch }),
    );
  }

  /** The request of that method that came to the caller. */
  request(method: string): Promise<RawMessage> {
    return this.agent.wait(`request ${method}`, ({ startLine }) => startLine.startsWith(`${method} `));
  }

  /** The gateway hangs up, and is answered. */
  async hungUp(): Promise<RawMessage> {
    const bye = await this.request('BYE');
    this.agent.ok(bye);
    return bye;
  }
}
