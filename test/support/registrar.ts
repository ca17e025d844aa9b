/** A carrier's registrar over real sockets: our own SIP server with a drachtio-srf application on it. */
import { DigestServer } from '../../src/digest/digest-server.js';
import { secretHash } from '../../src/digest/hash.js';
import { Nonces } from '../../src/digest/nonces.js';
import { createSipServer, type SipServer } from '../../src/sip-server/index.js';
import {
  connectApp,
  secret,
  type SrfApp,
  type SrfRequest,
  type SrfResponse,
} from '../integration/sip-server/srf-app.js';
import { waitFor } from './wait-for.js';

export interface HeardRegister {
  readonly contact: string;
  readonly callId: string;
  readonly expires: number;
  readonly status: number;
}

const realm = 'carrier.test';

export class Registrar {
  readonly username = 'us';
  readonly password = 'the carrier’s password';
  /** Every REGISTER, with what it got. */
  readonly heard: HeardRegister[] = [];
  /** What is registered: Contacts by their users. */
  readonly contacts = new Map<string, string>();
  /** What it does; may be changed. */
  isAsking = true;
  minExpires = 0;
  maxExpires = 3600;
  /** A status in place of everything else. */
  failsWith: number | null = null;
  /** The status that it answers OPTIONS with; null: it says nothing. */
  optionsStatus: number | null = 200;
  options = 0;
  readonly #digest: DigestServer;
  readonly #nonces: { nowMs: number };
  readonly #server: SipServer;
  readonly #srf: SrfApp;

  private constructor(server: SipServer, srf: SrfApp, nonces: { nowMs: number }) {
    this.#server = server;
    this.#srf = srf;
    this.#nonces = nonces;
    this.#digest = new DigestServer(
      realm,
      new Nonces({ now: () => nonces.nowMs, lifetimeMs: 60_000, maxAnswered: 100 }),
    );
  }

  /** `port`: that of one before. */
  static async open(port = 0, host = '127.0.0.1'): Promise<Registrar> {
    const place = { host, port };
    const server = await createSipServer({
      ...{ udp: place, tcp: place, admin: { host: '127.0.0.1', port: 0, secret } },
    });
    const opened: { registrar?: Registrar } = {};
    const srf = await connectApp(server, (app) => {
      app.register((request, response) => opened.registrar?.register(request, response));
      app.options((_request, response) => opened.registrar?.answerOptions(response));
    });
    return (opened.registrar = new Registrar(server, srf, { nowMs: 1 }));
  }

  get udpPort(): number {
    return this.#server.udpAddress?.port ?? 0;
  }

  /** Pings that came, of whatever kind. */
  get keepAlives(): number {
    return this.#server.stats().transport.keepAlives;
  }

  get tcpPort(): number {
    return this.#server.tcpAddress?.port ?? 0;
  }

  get srf(): SrfApp {
    return this.#srf;
  }

  /** Challenges of before are too old. */
  forgetNonces(): void {
    this.#nonces.nowMs += 120_000;
  }

  /** The next REGISTER that gets this status. */
  async next(status = 200, from = this.heard.length): Promise<HeardRegister> {
    const find = () => this.heard.slice(from).find((one) => one.status === status);
    await waitFor(`a REGISTER that gets ${status}`, () => find() !== undefined);
    return find()!;
  }

  register(request: SrfRequest, response: SrfResponse): void {
    const contact = request.get('Contact') ?? '';
    const [, user = ''] = /sip:([^@]+)@/.exec(contact) ?? [];
    const asked = Number(/expires=(\d+)/.exec(contact)?.[1] ?? request.get('Expires') ?? 3600);
    const answer = (status: number, headers: Record<string, string> = {}): void => {
      this.heard.push({ contact, callId: request.get('Call-ID') ?? '', expires: asked, status });
      response.send(status, { headers });
    };
    if (this.failsWith !== null) return answer(this.failsWith);
    if (this.isAsking) {
      const shown = this.#digest.read(request.get('Authorization'));
      const secrets = { MD5: secretHash('MD5', this.username, realm, this.password) };
      const asking = { method: 'REGISTER', uri: request.uri, body: new Uint8Array() };
      const verdict = shown === null ? 'missing' : this.#digest.verify(shown, secrets, asking);
      const [challenge = ''] = this.#digest.challenges(['MD5'], verdict === 'stale');
      if (verdict !== 'right') return answer(401, { 'WWW-Authenticate': challenge });
    }
    if (asked > 0 && asked < this.minExpires) return answer(423, { 'Min-Expires': String(this.minExpires) });
    const granted = Math.min(asked, this.maxExpires);
    if (granted === 0) this.contacts.delete(user);
    else this.contacts.set(user, /<([^>]+)>/.exec(contact)?.[1] ?? '');
    // Somebody else's stands beside ours.
    const ours = granted === 0 ? '' : `, <${this.contacts.get(user) ?? ''}>;expires=${granted}`;
    answer(200, { Contact: `<sip:other@192.0.2.7>;expires=3000${ours}`, Expires: '3000' });
  }

  answerOptions(response: SrfResponse): void {
    this.options += 1;
    if (this.optionsStatus !== null) response.send(this.optionsStatus);
  }

  /** It is gone, and with it every connection. */
  async close(): Promise<void> {
    this.#srf.disconnect();
    await this.#server.close();
  }
}
