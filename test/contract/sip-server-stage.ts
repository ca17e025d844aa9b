/**
 * A SIP server behind which the gateway can stand, with drachtio-srf applications behind it and peers before it that do
 * only what the test writes.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TcpPeer, UdpPeer, type RawPeer } from '../integration/sip-server/raw-peer.js';
import { happens, newSrf, type SrfApp, type SrfDialog } from '../integration/sip-server/srf-app.js';
import { findProgram } from '../support/daemon.js';
import { hasOwnDrachtio, startDrachtio } from '../support/drachtio.js';
import { createSipServer, type SipResponse } from '../../src/sip-server/index.js';

/** In what servers differ; the gateway can live with either. */
export interface SipServerTraits {
  /** 64 · T1, after which it gives up on a request without answer; null where that takes the RFC's 32 s. */
  readonly giveUpMs: number | null;
  /** After which it ends a call without ACK; no setting of drachtio-server changes it. */
  readonly ackWaitMs: number;
  /** Whether it writes Contact in the 200 to UPDATE by itself (RFC 3311 §5.2); the door offers no UPDATE where not. */
  readonly addsContactToUpdate: boolean;
  /**
   * Whether an application that answers an INVITE which was cancelled hears that it came too late. drachtio-server says so
   * or says nothing, and may even send the answer behind the 487; the door then hangs up.
   */
  readonly refusesLateAnswers: boolean;
  /** Whether calls get a BYE when their application's connection closes; else they stay until it is back. */
  readonly hangsUpForGoneApplication: boolean;
  /** Whether it writes call detail records; drachtio-server does only where its configuration says so. */
  readonly writesCallRecords: boolean;
  /** Whether a method that nobody knows has an answer; drachtio-server, 0.8.6 and 0.9.10, drops it without a word. */
  readonly answersUnknownMethods: boolean;
  /** Whether a request outside of calls goes where the application's Route says; drachtio-server 0.9.10 goes by `proxy` alone. */
  readonly followsRoute: boolean;
  /**
   * What a NOTIFY is answered with that ends a subscription of the application, and one that comes after it. The application hears of
   * the end either way; drachtio-server 0.9.10 was seen to say 500, then 503.
   */
  readonly notifyStatus: { readonly atTheEnd: number; readonly afterTheEnd: number };
}

export interface SipServerUnderTest {
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  /** UDP and TCP port of 127.0.0.1. */
  readonly sipPort: number;
  readonly traits: SipServerTraits;
  stop(): Promise<void>;
}

/** 64 · T1 is 1.9 s: short enough to wait for, long enough for a busy machine. */
const timers = { t1Ms: 30, t2Ms: 240, t4Ms: 300 };
const giveUpMs = 64 * timers.t1Ms;
const secret = 'the secret of the SIP server';

export async function startEmbedded(): Promise<SipServerUnderTest> {
  const loopback = { host: '127.0.0.1', port: 0 };
  for (let tries = 0; ; tries += 1) {
    const udp = await createSipServer({ udp: loopback, admin: { ...loopback, secret } });
    const port = udp.udpAddress?.port ?? 0;
    await udp.close();
    const both = { host: '127.0.0.1', port };
    const opening = createSipServer({
      ...{ udp: both, tcp: both, admin: { ...loopback, secret }, timers },
      sessionSeconds: 1800,
    });
    const server = await opening.catch((error: NodeJS.ErrnoException) => error);
    if (server instanceof Error && server.code === 'EADDRINUSE' && tries < 20) continue;
    if (server instanceof Error) throw server;
    return {
      admin: { host: '127.0.0.1', port: server.adminAddress.port, secret },
      sipPort: port,
      traits: {
        giveUpMs,
        ackWaitMs: giveUpMs,
        addsContactToUpdate: true,
        refusesLateAnswers: true,
        hangsUpForGoneApplication: true,
        answersUnknownMethods: true,
        followsRoute: true,
        notifyStatus: { atTheEnd: 200, afterTheEnd: 481 },
        writesCallRecords: true,
      },
      stop: () => server.close(),
    };
  }
}

/** One of the test's own has short timers, too; one that runs already has its own. */
export async function startReal(): Promise<SipServerUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'landbridge-contract-'));
  const environment = hasOwnDrachtio ? { DRACHTIO_PROGRAM: await withShortTimers(directory) } : {};
  const server = await startDrachtio({ environment });
  if (server === null) throw new Error('drachtio-server is not installed');
  return {
    admin: server.admin,
    sipPort: server.sipPort,
    traits: {
      giveUpMs: hasOwnDrachtio ? giveUpMs : null,
      ackWaitMs: 32_000,
      addsContactToUpdate: false,
      refusesLateAnswers: false,
      hangsUpForGoneApplication: false,
      answersUnknownMethods: false,
      followsRoute: false,
      notifyStatus: { atTheEnd: 500, afterTheEnd: 503 },
      writesCallRecords: false,
    },
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A program that sets the timers in the configuration that it is given, and becomes drachtio-server. */
async function withShortTimers(directory: string): Promise<string> {
  const program = findProgram('LANDBRIDGE_TEST_DRACHTIO_BINARY', 'drachtio', 'drachtio-server') ?? '';
  const { t1Ms, t2Ms, t4Ms } = timers;
  const words = `<t1>${t1Ms}</t1><t2>${t2Ms}</t2><t4>${t4Ms}</t4><t1x64>${giveUpMs}</t1x64>`;
  const script = join(directory, 'drachtio-with-short-timers');
  await writeFile(
    script,
    `#!/bin/sh\nsed -i 's|</sip>|<timers>${words}</timers></sip>|' "$2"\nexec '${program}' "$@"\n`,
  );
  await chmod(script, 0o755);
  return script;
}

export const offer =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n';
export const answer = offer.replace('o=- 1 1', 'o=- 2 1').replace('4000', '5000');

export type Transport = 'UDP' | 'TCP';

export interface Answered {
  readonly peer: RawPeer;
  readonly ok: SipResponse;
  readonly dialog: SrfDialog;
  readonly srf: SrfApp;
}

export class SipStage {
  readonly server: SipServerUnderTest;
  readonly #apps = new Set<SrfApp>();
  readonly #peers: RawPeer[] = [];

  constructor(server: SipServerUnderTest) {
    this.server = server;
  }

  get target(): string {
    return `sip:room@127.0.0.1:${this.server.sipPort}`;
  }

  /** Connected, and known to take INVITEs; `configure` registers its handlers. */
  async app(configure: (srf: SrfApp) => void): Promise<SrfApp> {
    const srf = newSrf();
    srf.on('error', () => undefined);
    configure(srf);
    const { host, port, secret: word } = this.server.admin;
    srf.connect({ host, port, secret: word });
    const [error] = await happens<[Error | null]>(srf, 'connect');
    if (error) throw error;
    this.#apps.add(srf);
    // It has told the server what it takes just before this question, which is about a call that is not there.
    await new Promise<void>((resolve) => {
      const question = { uri: 'sip:nobody@127.0.0.1', method: 'OPTIONS', stackDialogId: 'none' };
      srf.request(question, () => resolve());
    });
    return srf;
  }

  /** The application's connection closes. */
  disconnect(srf: SrfApp): void {
    if (this.#apps.delete(srf)) srf.disconnect();
  }

  async peer(transport: Transport = 'UDP'): Promise<RawPeer> {
    const peer = await (transport === 'UDP' ? UdpPeer : TcpPeer).open(this.server.sipPort);
    this.#peers.push(peer);
    return peer;
  }

  /** Sends the ACK of a 2xx, or any other request, in the dialog that the response made. */
  inDialog(
    peer: RawPeer,
    method: string,
    response: SipResponse,
    cseq: number,
    fields: Record<string, string | undefined> = {},
    body = '',
  ): string {
    const { headers } = response;
    const contact = /<([^>]+)>/.exec(headers.get('Contact') ?? '')?.[1] ?? this.target;
    const own = {
      From: headers.get('From') ?? '',
      To: headers.get('To') ?? '',
      'Call-ID': headers.get('Call-ID') ?? '',
      CSeq: `${cseq} ${method}`,
    };
    return peer.send(method, contact, { ...own, ...fields }, body);
  }

  /** An application that answers; `dialog` is its first. */
  async answering(localSdp = answer): Promise<{ srf: SrfApp; dialog: Promise<SrfDialog> }> {
    let resolve: (dialog: SrfDialog) => void;
    const dialog = new Promise<SrfDialog>((done) => (resolve = done));
    const srf = await this.app((s) =>
      s.invite((req, res) => void s.createUAS(req, res, { localSdp }).then(resolve)),
    );
    return { srf, dialog };
  }

  /** A call that the application has answered and the peer has acknowledged. */
  async answered(transport: Transport = 'UDP'): Promise<Answered> {
    const { srf, dialog } = await this.answering();
    const peer = await this.peer(transport);
    peer.send('INVITE', this.target, {}, offer);
    const ok = await peer.response(200);
    this.inDialog(peer, 'ACK', ok, 1);
    return { peer, ok, dialog: await dialog, srf };
  }

  async close(): Promise<void> {
    for (const srf of [...this.#apps]) this.disconnect(srf);
    for (const peer of this.#peers) await peer.close();
    await this.server.stop();
  }
}
