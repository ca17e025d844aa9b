/** Proxies as RFC 3665 has them: our SIP server with a drachtio-srf application that registers, challenges and passes on. */
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { DigestServer } from '../../../src/digest/digest-server.js';
import { secretHash } from '../../../src/digest/hash.js';
import { Nonces } from '../../../src/digest/nonces.js';
import { createSipServer, type SipServer } from '../../../src/sip-server/index.js';
import type { TestAuthority } from '../../support/certificates.js';
import { waitFor } from '../../support/wait-for.js';
import {
  connectApp,
  newSrf,
  secret,
  type SrfApp,
  type SrfRequest,
  type SrfResponse,
} from '../sip-server/srf-app.js';
import { TcpPeer, UdpPeer, WebSocketPeer, type RawPeer } from '../sip-server/raw-peer.js';
import type { Way } from './conformance-stage.js';

export const password = 'zanzibar';

/** 64 · T1 is 1.9 s: short enough to wait for, long enough for a busy machine. */
const timers = { t1Ms: 30, t2Ms: 240, t4Ms: 300 };

export interface ProxyOptions {
  /** The domain that it is for, and the realm of its challenges. */
  readonly realm: string;
  readonly authority: TestAuthority;
  /** It asks for credentials before it passes a call on. */
  readonly isAsking?: boolean;
  /** Where calls go that are for nobody who is registered here, by the user; a list is tried in its order. */
  readonly routes?: (user: string) => string[];
  /** It says where the callee is, rather than passing the call on (RFC 3665 §3.6). */
  readonly redirects?: boolean;
}

export class ProxyStage {
  readonly server: SipServer;
  readonly #web: Server;
  readonly #ca: string;
  readonly #srf: SrfApp;
  readonly #peers: RawPeer[] = [];

  private constructor(server: SipServer, web: Server, ca: string, srf: SrfApp) {
    this.server = server;
    this.#web = web;
    this.#ca = ca;
    this.#srf = srf;
  }

  static async open({
    realm,
    authority,
    isAsking = false,
    routes,
    redirects,
  }: ProxyOptions): Promise<ProxyStage> {
    const { certPem, keyPem } = await authority.issue({ names: ['127.0.0.1', 'localhost'] });
    const place = { host: '127.0.0.1', port: 0 };
    const certificates = { serverOptions: { cert: certPem, key: keyPem }, keepFresh: () => undefined };
    const server = await createSipServer({
      ...{ udp: place, tcp: place, tls: { ...place, certificates } },
      ...{ admin: { ...place, secret }, timers },
    });
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'sip' });
    const web = createHttpServer().on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (one) => server.acceptWebSocket(one, request)),
    );
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const office = new Office(realm, {
      isAsking,
      routes: routes ?? (() => []),
      redirects: redirects ?? false,
    });
    const srf = await connectApp(server, (app) => office.serve(app));
    return new ProxyStage(server, web, authority.certPem, srf);
  }

  /** Where a proxy beside this one passes calls on to. */
  uri(user: string, way: 'udp' | 'tcp'): string {
    const { udpAddress, tcpAddress } = this.server;
    return way === 'udp'
      ? `sip:${user}@127.0.0.1:${String(udpAddress?.port)}`
      : `sip:${user}@127.0.0.1:${String(tcpAddress?.port)};transport=tcp`;
  }

  async peer(way: Way): Promise<RawPeer> {
    const { udpAddress, tcpAddress, tlsAddress } = this.server;
    const opened = {
      udp: () => UdpPeer.open(udpAddress?.port ?? 0),
      tcp: () => TcpPeer.open(tcpAddress?.port ?? 0),
      tls: () => TcpPeer.openTls(tlsAddress?.port ?? 0, this.#ca),
      ws: () => WebSocketPeer.open(`ws://127.0.0.1:${String((this.#web.address() as AddressInfo).port)}/sip`),
    };
    const peer = await opened[way]();
    // A phone that takes no connections says so (RFC 5626 §4.3).
    if (way === 'tcp' || way === 'tls')
      peer.contactUri = /<([^>]+)>/.exec(`${peer.contact.slice(0, -1)};ob>`)?.[1] ?? null;
    this.#peers.push(peer);
    return peer;
  }

  /** Nothing is left of what was passed on; connections to the proxies beside are kept for the next call. */
  async settle(): Promise<void> {
    for (const peer of this.#peers.splice(0)) await peer.close();
    await waitFor('nothing is left', () => {
      const { dialogs, transactions, pendingRequests } = this.server.stats();
      return dialogs + transactions + pendingRequests === 0;
    });
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.splice(0)) await peer.close();
    this.#srf.disconnect();
    await this.server.close();
    await new Promise((resolve) => this.#web.close(resolve));
  }
}

/** What the application does. */
class Office {
  readonly #bindings = new Map<string, string[]>();
  readonly #digest: DigestServer;
  readonly #options: Required<Pick<ProxyOptions, 'isAsking' | 'routes' | 'redirects'>>;
  #srf: SrfApp = newSrf();

  constructor(realm: string, options: Required<Pick<ProxyOptions, 'isAsking' | 'routes' | 'redirects'>>) {
    this.#options = options;
    this.#digest = new DigestServer(
      realm,
      new Nonces({ now: () => Date.now(), lifetimeMs: 60_000, maxAnswered: 1_000 }),
    );
  }

  serve(srf: SrfApp): void {
    this.#srf = srf;
    srf.register((request, response) => this.#register(request, response));
    srf.invite((request, response) => this.#invite(request, response));
  }

  #register(request: SrfRequest, response: SrfResponse): void {
    const user = userOf(request.get('To') ?? '');
    const challenge = this.#challengeOf(request, request.get('Authorization'), user);
    if (challenge !== null) return response.send(401, { headers: { 'WWW-Authenticate': challenge } });
    const contact = /<([^>]+)>/.exec(request.get('Contact') ?? '')?.[1];
    const seconds = Number(request.get('Expires') ?? 3600);
    if (request.get('Contact')?.trim() === '*') this.#bindings.delete(user);
    else if (contact !== undefined) {
      const others = (this.#bindings.get(user) ?? []).filter((one) => one !== contact);
      this.#bindings.set(user, seconds === 0 ? others : [...others, contact]);
    }
    const contacts = (this.#bindings.get(user) ?? []).map(
      (one) => `<${one}>;expires=${String(seconds || 3600)}`,
    );
    response.send(200, { headers: contacts.length === 0 ? {} : { Contact: contacts.join(', ') } });
  }

  #invite(request: SrfRequest, response: SrfResponse): void {
    const caller = userOf(request.get('From') ?? '');
    const challenge = this.#options.isAsking
      ? this.#challengeOf(request, request.get('Proxy-Authorization'), caller)
      : null;
    if (challenge !== null) return response.send(407, { headers: { 'Proxy-Authenticate': challenge } });
    const user = userOf(request.uri);
    const targets = this.#bindings.get(user) ?? this.#options.routes(user);
    if (targets.length === 0) return response.send(404);
    if (this.#options.redirects) return response.send(302, { headers: { Contact: `<${targets[0] ?? ''}>` } });
    const how = { remainInDialog: true, forking: 'sequential' };
    void this.#srf.proxyRequest(request, targets, how).catch(() => undefined);
  }

  /** Null: the credentials are right. */
  #challengeOf(request: SrfRequest, field: string | undefined, user: string): string | null {
    const shown = this.#digest.read(field);
    const secrets = { MD5: secretHash('MD5', user, this.#digest.realm, password) };
    const asked = { method: request.method, uri: request.uri, body: new Uint8Array() };
    const verdict = shown === null ? 'missing' : this.#digest.verify(shown, secrets, asked);
    return verdict === 'right' ? null : (this.#digest.challenges(['MD5'], verdict === 'stale')[0] ?? '');
  }
}

function userOf(text: string): string {
  return /sips?:([^@]+)@/.exec(text)?.[1] ?? '';
}
