/**
 * The part of drachtio-fsmrf (4.1.2) that makes channels in FreeSWITCH, typed as it behaves: it ships no types. The only file
 * that imports it.
 *
 * What it needs care for: `connect` never settles where the secret is wrong, and throws out of reach where FreeSWITCH has no
 * such SIP profile (both are looked at before, over our own event socket); `createEndpoint` has no timer for the
 * INVITE, refuses SRTP, and where FreeSWITCH answered but never connected to us it hangs up without catching the error. So
 * each call is raced, what comes too late is hung up, and its INVITEs go through `Inviter`, which sends the description that
 * is meant and hands it dialogs whose `destroy` does not fail.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import MrfModule from 'drachtio-fsmrf';
import { withTimer } from './with-timer.js';

/** The part of drachtio-srf that is used here. */
export interface EdgeSrf {
  createUAC(
    uri: string,
    options: { readonly headers: Readonly<Record<string, string>>; readonly localSdp: string },
    progress: { readonly cbRequest: (error: unknown, request?: SentRequest) => void },
  ): Promise<EdgeDialog>;
}

interface SentRequest {
  cancel(callback: (error: unknown) => void): void;
}

/** Events: `destroy` when FreeSWITCH has sent BYE. */
interface EdgeDialog {
  /** False once a BYE has come, also where nobody listened. */
  readonly connected: boolean;
  readonly remote: { readonly sdp: string };
  /** Sends a re-INVITE; resolves with FreeSWITCH's description, rejects with `{status}` where it refused. */
  modify(localSdp: string): Promise<string>;
  destroy(): Promise<unknown>;
  once(event: 'destroy', listener: () => void): void;
}

/** Events: `destroy` when the channel has hung up or its event socket is gone. */
interface Endpoint {
  readonly uuid: string;
  /** Null once that is closed. */
  readonly conn: EslConnection | null;
  once(event: 'destroy', listener: () => void): void;
}

interface EslConnection {
  readonly socket: Socket | null;
  on(event: string, listener: (...parameters: never[]) => void): void;
  removeAllListeners(event: string): void;
}

interface MediaServer {
  readonly conn: EslConnection;
  /** `_server` is the acceptor of FreeSWITCH's outbound event sockets, around a net.Server. */
  readonly _server: { readonly server: Server };
  createEndpoint(options: { remoteSdp: string; headers: Record<string, string> }): Promise<Endpoint>;
  disconnect(): void;
}

interface ConnectOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: string;
  readonly listenAddress: string;
  readonly listenPort: number;
  readonly profile: string;
}

/** Calls back more than once: it goes on trying after a failure. */
type Mrf = {
  connect(options: ConnectOptions, callback: (error: unknown, server?: MediaServer) => void): void;
};
const NewMrf = MrfModule as unknown as new (srf: Inviter) => Mrf;

export const sipProfile = 'drachtio_mrf';
/** Marks every channel with the gateway that made it; a channel variable of this name in FreeSWITCH. */
const ownerHeader = 'X-Landbridge-Node';
export const ownerVariable = `sip_h_${ownerHeader}`;
/** Tells our `Inviter` which call fsmrf is making; FreeSWITCH gets it too. */
const callHeader = 'X-Landbridge-Channel';

/** FreeSWITCH said no to a description (RFC 3261 §21.4.26: 488; 606 alike). */
export class ChannelRefusal extends Error {
  override readonly name = 'ChannelRefusal';
  constructor(readonly status: number) {
    super(`FreeSWITCH answered ${status}`);
  }
}

/** One call to FreeSWITCH: a SIP dialog, a channel, and the event socket with which FreeSWITCH holds it to us. */
export interface Channel {
  /** FreeSWITCH's name for it. */
  readonly uuid: string;
  /** FreeSWITCH's description. */
  readonly description: string;
  readonly hasEnded: boolean;
  /** Offers anew; resolves with FreeSWITCH's answer. Throws ChannelRefusal, or an error when the time is up. */
  offer(description: string): Promise<string>;
  /** Calls back once, when the channel has ended without `hangUp`. */
  onEnded(listener: () => void): void;
  /** Sends BYE; idempotent. Resolves with whether FreeSWITCH has confirmed it within the time. */
  hangUp(): Promise<boolean>;
  /** Lets go of it where FreeSWITCH is gone: nothing is waited for. */
  abandon(): void;
}

export interface MediaServerOptions {
  readonly srf: EdgeSrf;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Where FreeSWITCH's outbound event sockets come to; port 0: any. */
  readonly listenAddress: string;
  readonly listenPort: number;
  readonly requestTimeoutMs: number;
  /** Marks channels: letters and digits. */
  readonly owner: string;
  /** The connection is gone, not by `close`. At most once, after `connectMediaServer` has resolved. */
  readonly onLost: () => void;
  /** Somebody who is not FreeSWITCH connected to where its event sockets come to, and was sent away. */
  readonly onStranger: (address: string) => void;
}

/** Connects drachtio-fsmrf to a FreeSWITCH whose secret and profile are known to be right. Rejects within the time. */
export async function connectMediaServer(options: MediaServerOptions): Promise<MediaServerConnection> {
  const { srf, host, port, secret, listenAddress, listenPort, requestTimeoutMs } = options;
  // fsmrf does not hear of it when its port is taken, and the process would end of that.
  if (listenPort !== 0) await expectFree(listenAddress, listenPort);
  const inviter = new Inviter(srf);
  const mrf = new NewMrf(inviter);
  const connecting = new Promise<MediaServer>((resolve, reject) => {
    mrf.connect(
      { address: host, port, secret, listenAddress, listenPort, profile: sipProfile },
      (error, server) => {
        if (server !== undefined) resolve(server);
        else reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
  const server = await withTimer(connecting, requestTimeoutMs, (late) => late.disconnect());
  return new MediaServerConnection(server, inviter, options);
}

export class MediaServerConnection {
  readonly #server: MediaServer;
  readonly #inviter: Inviter;
  readonly #requestTimeoutMs: number;
  readonly #owner: string;
  readonly #onStranger: (address: string) => void;
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  constructor(
    server: MediaServer,
    inviter: Inviter,
    { requestTimeoutMs, owner, onLost, onStranger, host }: MediaServerOptions,
  ) {
    this.#server = server;
    this.#inviter = inviter;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#owner = owner;
    this.#onStranger = onStranger;
    server.conn.socket?.setNoDelay(true);
    const from = server.conn.socket?.remoteAddress ?? host;
    server._server.server.prependListener('connection', (socket) => this.#accept(socket, from));
    // It would say so on standard output, and reconnect by itself, with a pause that grows without end.
    server.conn.removeAllListeners('esl::end');
    server.conn.on('esl::end', () => {
      if (this.#isClosed) return;
      this.close();
      onLost();
    });
  }

  /** Makes a channel with this far end. Rejects within the time; a channel that comes later is hung up. */
  async open(description: string, signal: AbortSignal): Promise<Channel> {
    const id = randomUUID();
    const invitation = this.#inviter.expect(id, description, this.#owner);
    const opening = this.#server
      .createEndpoint({ remoteSdp: standIn, headers: { [callHeader]: id } })
      .then((endpoint) => {
        if (invitation.dialog === null) throw new Error('FreeSWITCH’s channel has no dialog');
        return new FreeSwitchChannel(endpoint, invitation.dialog, this.#requestTimeoutMs);
      })
      .finally(() => this.#inviter.forget(id));
    try {
      const first = Promise.race([opening, invitation.hungUp]);
      return await withTimer(first, this.#requestTimeoutMs, (late) => void late.hangUp(), signal);
    } catch (error) {
      invitation.giveUp();
      throw refusalOf(error);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.disconnect();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** FreeSWITCH connects to us for a channel. Anybody else's bytes would go to a parser that throws. */
  #accept(socket: Socket, from: string): void {
    const isFreeSwitch = comesFrom(socket, from);
    if (!isFreeSwitch || this.#isClosed) {
      socket.on('error', ignore);
      socket.destroy();
      if (!isFreeSwitch) this.#onStranger(socket.remoteAddress ?? 'unknown');
      return;
    }
    // Before the first byte: each command is several writes, and each would wait 40 ms for an acknowledgement.
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // fsmrf begins to read it within this turn.
    process.nextTick(() => guardParser(socket));
  }
}

/** Its parser throws at what is malformed, and nobody would catch that: such a connection is dropped. */
function guardParser(socket: Socket): void {
  for (const parse of socket.listeners('data') as ((bytes: Buffer) => void)[]) {
    socket.removeListener('data', parse);
    socket.on('data', (bytes: Buffer) => {
      try {
        parse(bytes);
      } catch {
        socket.destroy();
      }
    });
  }
}

/** Whether the machine that we reach FreeSWITCH on has connected; on one machine it may use any address of that. */
function comesFrom(socket: Socket, freeSwitch: string): boolean {
  const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/i, '');
  const remote = plain(socket.remoteAddress);
  if (remote === plain(freeSwitch)) return true;
  return /^(?:127\.|::1$)/.test(plain(freeSwitch)) && remote === plain(socket.localAddress);
}

/** What fsmrf is told to send; it refuses some descriptions by their text, and never sends this one. */
const standIn = 'v=0\r\n';

interface Invitation {
  /** Once FreeSWITCH has answered. */
  dialog: EdgeDialog | null;
  /** Rejects when FreeSWITCH hangs up again before it has connected its event socket to us. */
  readonly hungUp: Promise<never>;
  /** Cancels, or hangs up when it is answered all the same. */
  giveUp(): void;
}

/** Stands before drachtio-srf for fsmrf. */
class Inviter {
  readonly #srf: EdgeSrf;
  readonly #expected = new Map<string, PendingInvitation>();

  constructor(srf: EdgeSrf) {
    this.#srf = srf;
  }

  expect(id: string, description: string, owner: string): Invitation {
    const invitation = new PendingInvitation(description, owner);
    this.#expected.set(id, invitation);
    return invitation;
  }

  forget(id: string): void {
    this.#expected.delete(id);
  }

  /** As drachtio-srf's, for fsmrf. */
  async createUAC(
    uri: string,
    { headers }: { headers: Record<string, string> },
  ): Promise<{ destroy(): Promise<void> }> {
    const invitation = this.#expected.get(headers[callHeader] ?? '');
    if (invitation === undefined) throw new Error('nobody asked for this channel');
    const dialog = await invitation.send(this.#srf, uri, headers);
    return { destroy: () => dialog.destroy().then(ignore, ignore) };
  }
}

const ignore = (): void => undefined;

class PendingInvitation implements Invitation {
  readonly #description: string;
  readonly #owner: string;
  #request: SentRequest | null = null;
  #isGivenUp = false;
  dialog: EdgeDialog | null = null;
  readonly hungUp: Promise<never>;
  #onHungUp: (() => void) | null = null;

  constructor(description: string, owner: string) {
    this.hungUp = new Promise((_resolve, reject) => {
      this.#onHungUp = () => reject(new Error('FreeSWITCH hung up before its event socket came to us'));
    });
    this.hungUp.catch(ignore);
    this.#description = description;
    this.#owner = owner;
  }

  async send(srf: EdgeSrf, uri: string, headers: Record<string, string>): Promise<EdgeDialog> {
    const dialog = await srf.createUAC(
      uri,
      {
        headers: { ...headers, [ownerHeader]: this.#owner, From: 'sip:landbridge@localhost' },
        localSdp: this.#description,
      },
      {
        cbRequest: (_error, request) => {
          this.#request = request ?? null;
          if (this.#isGivenUp) this.#cancel();
        },
      },
    );
    this.#request = null;
    this.dialog = dialog;
    dialog.once('destroy', () => this.#onHungUp?.());
    if (this.#isGivenUp) dialog.destroy().then(ignore, ignore);
    return dialog;
  }

  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#cancel();
    this.dialog?.destroy().then(ignore, ignore);
  }

  #cancel(): void {
    const request = this.#request;
    this.#request = null;
    request?.cancel(ignore);
  }
}

class FreeSwitchChannel implements Channel {
  readonly uuid: string;
  readonly description: string;
  readonly #endpoint: Endpoint;
  readonly #dialog: EdgeDialog;
  readonly #requestTimeoutMs: number;
  #hasEnded = false;
  #onEnded: (() => void) | null = null;
  #hangingUp: Promise<boolean> | null = null;
  readonly #abandoned = new AbortController();

  constructor(endpoint: Endpoint, dialog: EdgeDialog, requestTimeoutMs: number) {
    this.uuid = endpoint.uuid;
    this.description = dialog.remote.sdp;
    this.#endpoint = endpoint;
    this.#dialog = dialog;
    this.#requestTimeoutMs = requestTimeoutMs;
    // fsmrf's own listener prints to standard error; the end is told anyway.
    endpoint.conn?.removeAllListeners('error');
    endpoint.conn?.on('error', ignore);
    endpoint.once('destroy', () => this.#end());
    dialog.once('destroy', () => this.#end());
    if (endpoint.conn === null || !dialog.connected) this.#hasEnded = true;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async offer(description: string): Promise<string> {
    try {
      return await withTimer(this.#dialog.modify(description), this.#requestTimeoutMs, ignore);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  onEnded(listener: () => void): void {
    if (this.#hasEnded) queueMicrotask(listener);
    else this.#onEnded = listener;
  }

  hangUp(): Promise<boolean> {
    this.#onEnded = null;
    this.#hangingUp ??= this.#hasEnded ? Promise.resolve(true) : this.#sendBye();
    return this.#hangingUp;
  }

  abandon(): void {
    this.#hasEnded = true;
    this.#onEnded = null;
    this.#endpoint.conn?.socket?.destroy();
    // A BYE comes to nothing, but drachtio-srf forgets the dialog by it.
    this.#hangingUp ??= this.#sendBye();
    this.#abandoned.abort();
  }

  async #sendBye(): Promise<boolean> {
    try {
      await withTimer(this.#dialog.destroy(), this.#requestTimeoutMs, ignore, this.#abandoned.signal);
      this.#hasEnded = true;
      return true;
    } catch {
      return this.#hasEnded;
    }
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const listener = this.#onEnded;
    this.#onEnded = null;
    listener?.();
  }
}

function refusalOf(error: unknown): unknown {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? new ChannelRefusal(status) : error;
}

/** Rejects where another program has the port. The one who closed it last may need a moment to let go. */
async function expectFree(host: string, port: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, host, resolve);
      });
      return;
    } catch (error) {
      if (attempt === 3) throw error;
      await delay(50);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
