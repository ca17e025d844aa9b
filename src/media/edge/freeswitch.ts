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
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import MrfModule from 'drachtio-fsmrf';
import type { Clock } from '../../domain/clock.js';
import { maxChannelDataBytes, reduceChannelData } from './channel-data.js';
import { FreeSwitchChannel, refusalOf, type Channel, type Endpoint, type EslConnection } from './channel.js';
import { callHeader, Inviter, type EdgeSrf, type Invitation } from './inviter.js';
import { pause, withTimer, type TimeLimit } from './with-timer.js';

const ignore = (): void => undefined;

interface MediaServer {
  readonly conn: EslConnection;
  /** Where its SIP profile listens: `address:port`. */
  readonly sip: { readonly ipv4: { readonly udp: { readonly address: string } } };
  /** The acceptor of FreeSWITCH's outbound event sockets, around a net.Server. Tells of each before the first byte. */
  readonly _server: {
    readonly server: Server;
    on(event: 'connection::open', listener: (connection: EslConnection) => void): void;
  };
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
const NewMrf = MrfModule as new (srf: Inviter) => Mrf;

export const sipProfile = 'drachtio_mrf';
/** FreeSWITCH answers it and leaves it alone (freeswitch/dialplan.xml). */
const plainExtension = 'worker';
/** Tells the dialplan what a channel is for. */
const audioHeader = 'X-Landbridge-Audio';
/** The dialplan knows us by it, among others. */
const plainUserAgent = 'landbridge-edge';

/** A channel towards a carrier that is to be made. */
export interface OuterChannel {
  /** The carrier's end. */
  readonly description: string;
  /** What comes from it goes on packet by packet, telephone events too: both channels speak one law, now and later. */
  readonly isUntouched: boolean;
}

export interface MediaServerOptions {
  readonly clock: Clock;
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
  const { clock, srf, host, port, secret, listenAddress, listenPort, requestTimeoutMs } = options;
  // fsmrf does not hear of it when its port is taken, and the process would end of that.
  if (listenPort !== 0) await expectFree(listenAddress, listenPort, clock);
  const inviter = new Inviter(srf, options.owner);
  const mrf = new NewMrf(inviter);
  const connecting = new Promise<MediaServer>((resolve, reject) => {
    let hasFailed = false;
    mrf.connect(
      { address: host, port, secret, listenAddress, listenPort, profile: sipProfile },
      (error, server) => {
        if (server === undefined) {
          hasFailed = true;
          reject(error instanceof Error ? error : new Error(String(error)));
        } else if (hasFailed) server.disconnect();
        else resolve(server);
      },
    );
  });
  const limit = { clock, ms: requestTimeoutMs };
  const server = await withTimer(connecting, limit, (late) => late.disconnect());
  return new MediaServerConnection(server, inviter, options);
}

export class MediaServerConnection {
  readonly #server: MediaServer;
  readonly #inviter: Inviter;
  readonly #limit: TimeLimit;
  readonly #onStranger: (address: string) => void;
  readonly #sockets = new Set<Socket>();
  /** Channels that are yet to come, or not; also those that nobody waits for any longer. */
  readonly #opening = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(
    server: MediaServer,
    inviter: Inviter,
    { clock, requestTimeoutMs, onLost, onStranger, host }: MediaServerOptions,
  ) {
    this.#server = server;
    this.#inviter = inviter;
    this.#limit = { clock, ms: requestTimeoutMs };
    this.#onStranger = onStranger;
    server.conn.socket?.setNoDelay(true);
    const from = server.conn.socket?.remoteAddress ?? host;
    server._server.server.prependListener('connection', (socket) => this.#accept(socket, from));
    server._server.on('connection::open', closeEars);
    // It would say so on standard output, and reconnect by itself, with a pause that grows without end.
    server.conn.removeAllListeners('esl::end');
    server.conn.on('esl::end', () => {
      if (this.#isClosed) return;
      this.close();
      onLost();
    });
  }

  /** Makes a channel with this far end. Rejects within the time; a channel that comes later is hung up. */
  open({ description, isUntouched }: OuterChannel, signal: AbortSignal): Promise<Channel> {
    const uuid = randomUUID();
    const invitation = this.#inviter.expect(uuid, description);
    const opening = this.#server
      .createEndpoint({
        remoteSdp: standIn,
        headers: { [callHeader]: uuid, ...(isUntouched ? { [audioHeader]: 'untouched' } : {}) },
      })
      .then((endpoint) => {
        if (invitation.dialog === null) throw new Error('FreeSWITCH’s channel has no dialog');
        return new FreeSwitchChannel(uuid, invitation.dialog, this.#limit, endpoint);
      })
      .finally(() => this.#inviter.forget(uuid));
    return this.#inTime(invitation, Promise.race([opening, invitation.hungUp]), signal);
  }

  /** As `open`, without fsmrf: of this channel FreeSWITCH tells nothing but its end, by BYE. */
  openPlain(description: string, signal: AbortSignal): Promise<Channel> {
    const uuid = randomUUID();
    const invitation = this.#inviter.invite(uuid, description);
    const uri = `sip:${plainExtension}@${this.#server.sip.ipv4.udp.address}`;
    const opening = invitation
      .send(uri, { 'User-Agent': plainUserAgent })
      .then((dialog) => new FreeSwitchChannel(uuid, dialog, this.#limit, null));
    return this.#inTime(invitation, opening, signal);
  }

  /** Resolves when FreeSWITCH has answered every INVITE, or the time is up; never rejects. */
  async settled(): Promise<void> {
    const all = Promise.allSettled(this.#opening);
    await withTimer(all, this.#limit, ignore).catch(ignore);
  }

  async #inTime(invitation: Invitation, opening: Promise<Channel>, signal: AbortSignal): Promise<Channel> {
    this.#opening.add(opening);
    const forget = (): void => void this.#opening.delete(opening);
    opening.then(forget, forget);
    try {
      return await withTimer(opening, this.#limit, (late) => late.abandon(), signal);
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

/**
 * fsmrf asks for every event of a channel, some twenty of 8 kB. None is needed: that the channel has ended, its socket says by
 * its own end.
 */
function closeEars(connection: EslConnection): void {
  connection.subscribe = ignore;
  connection.filter = ignore;
}

/**
 * modesl's parser throws at what is malformed, and nobody would catch that. It gets a channel's data, and nothing after them:
 * whatever else comes first ends the connection.
 */
function guardParser(socket: Socket): void {
  for (const parse of socket.listeners('data') as ((bytes: Buffer) => void)[]) {
    socket.removeListener('data', parse);
    let pending = '';
    let isParsed = false;
    socket.on('data', (bytes: Buffer) => {
      if (isParsed) return;
      pending += bytes.toString('latin1');
      const end = pending.indexOf('\n\n');
      if (end < 0 && pending.length < maxChannelDataBytes) return;
      const data = end < 0 ? null : reduceChannelData(pending.slice(0, end));
      isParsed = true;
      pending = '';
      try {
        if (data === null) socket.destroy();
        else parse(Buffer.from(data, 'latin1'));
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

/** Rejects where another program has the port. The one who closed it last may need a moment to let go. */
async function expectFree(host: string, port: number, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer();
    try {
      server.listen(port, host);
      await once(server, 'listening');
      return;
    } catch (error) {
      if (attempt === 3) throw error;
      await pause({ clock, ms: 50 });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
