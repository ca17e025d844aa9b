/** A process that makes phone calls at a given rate, and counts how they are answered. */
import { percentile } from './benchmark.js';
import type { CallLoadReport, CallLoadRequest } from './call-load.js';
import { openTlsLines, openUdpLine, openUdpSocket, type Line } from './call-load-lines.js';

/** RFC 3261 §17.1.1.1. */
const t1Ms = 500;
const t2Ms = 4000;
const giveUpMs = 5000;
/** A BYE is repeated as long as phones do (Timer F): one that is lost leaves the call standing. */
const byeGiveUpMs = 64 * t1Ms;

/** Where all phones listen: what they hear is dropped. */
const rtp = await openUdpSocket();
const udpLine = await openUdpLine(onMessage);
/** By the server's port: they stay open from one load to the next. */
const tlsLines = new Map<number, Promise<Line[]>>();
const prefix = Math.random().toString(36).slice(2);

const calls = new Map<string, Call>();
let request: CallLoadRequest;
let lines: readonly Line[] = [udpLine];
let setupMs: number[] = [];
let latenessMs: number[] = [];
let failed: Record<string, number> = {};
let retransmissions = 0;
let callCount = 0;
let onAllEnded: () => void = () => undefined;

class Call {
  readonly #id = `${prefix}-${callCount++}`;
  readonly #line = lines[callCount % lines.length]!;
  readonly #from = `<sip:load@${this.#line.local}>;tag=${this.#id}`;
  readonly #sentMs: number;
  #to = `<sip:join@127.0.0.1>`;
  #target: string;
  #cseq = 1;
  #answered = false;
  #repeat: NodeJS.Timeout | undefined;
  #giveUp: NodeJS.Timeout;

  constructor(token: string) {
    const { local, transport } = this.#line;
    calls.set(this.#id, this);
    this.#target = `sip:join@127.0.0.1:${request.sipPort}`;
    const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
    sdp.push(`m=audio ${rtp.address().port} RTP/AVP 0 101`, 'a=rtpmap:101 telephone-event/8000', '');
    this.#sentMs = performance.now();
    this.#send(
      'INVITE',
      [
        `Contact: <sip:load@${local};transport=${transport.toLowerCase()}>`,
        `User-to-User: ${token};encoding=jwt`,
        'Content-Type: application/sdp',
      ],
      sdp.join('\r\n'),
    );
    this.#giveUp = setTimeout(() => this.#end('timeout'), giveUpMs);
  }

  take(message: string): void {
    const status = Number(message.slice(8, 11));
    const isInvite = /^CSeq: *\d+ +INVITE/im.test(message);
    // A copy of the INVITE's 200 says nothing of the BYE.
    if (isInvite !== this.#answered) clearTimeout(this.#repeat);
    if (status < 200) return;
    if (!isInvite) return this.#end(status === 200 ? null : `BYE ${status}`);
    this.#to = /^To: *(.*)$/im.exec(message)?.[1]?.trim() ?? this.#to;
    if (status >= 300) {
      // Its ACK belongs to the transaction (RFC 3261 §17.1.1.3); the gateway's copies are not counted, the call is lost.
      this.#send('ACK', [], '', false);
      return this.#end(String(status));
    }
    if (this.#answered) retransmissions += 1;
    else {
      this.#answered = true;
      setupMs.push(performance.now() - this.#sentMs);
      clearTimeout(this.#giveUp);
      this.#giveUp = setTimeout(() => this.#end('timeout'), request.holdMs + byeGiveUpMs);
      this.#target = /^Contact: *<([^>]+)>/im.exec(message)?.[1] ?? this.#target;
      setTimeout(() => {
        this.#cseq += 1;
        this.#send('BYE', []);
      }, request.holdMs);
    }
    this.#send('ACK', [], '', true);
  }

  #send(method: 'INVITE' | 'ACK' | 'BYE', more: readonly string[], body = '', isOwnTransaction = true): void {
    const { local, transport, isUnreliable } = this.#line;
    const branch = `z9hG4bK${this.#id}${method === 'ACK' && !isOwnTransaction ? 'INVITE' : method}`;
    const message = Buffer.from(
      [
        `${method} ${this.#target} SIP/2.0`,
        `Via: SIP/2.0/${transport} ${local};branch=${branch};rport`,
        'Max-Forwards: 70',
        `From: ${this.#from}`,
        `To: ${this.#to}`,
        `Call-ID: ${this.#id}`,
        `CSeq: ${this.#cseq} ${method}`,
        ...more,
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    );
    const transmit = (): void => this.#line.send(message, request.sipPort);
    transmit();
    if (method === 'ACK' || !isUnreliable) return;
    const again = (delayMs: number): void => {
      this.#repeat = setTimeout(() => {
        retransmissions += 1;
        transmit();
        again(Math.min(delayMs * 2, t2Ms));
      }, delayMs);
    };
    again(t1Ms);
  }

  #end(failure: string | null): void {
    if (!calls.delete(this.#id)) return;
    clearTimeout(this.#repeat);
    clearTimeout(this.#giveUp);
    if (failure !== null) failed[failure] = (failed[failure] ?? 0) + 1;
    if (calls.size === 0) onAllEnded();
  }
}

function onMessage(message: string): void {
  if (!message.startsWith('SIP/2.0 ')) return;
  const callId = /^Call-ID: *(\S+)/im.exec(message)?.[1];
  if (callId !== undefined) calls.get(callId)?.take(message);
}

function linesTo(port: number): Promise<Line[]> {
  const known = tlsLines.get(port);
  if (known !== undefined) return known;
  const opened = openTlsLines(port, onMessage);
  tlsLines.set(port, opened);
  return opened;
}

async function run(): Promise<CallLoadReport> {
  setupMs = [];
  latenessMs = [];
  failed = {};
  retransmissions = 0;
  const { tokens, callsPerSecond, calls: total } = request;
  lines = request.transport === 'tls' ? await linesTo(request.sipPort) : [udpLine];
  const beginMs = performance.now();
  await new Promise<void>((resolve) => {
    let made = 0;
    const next = (): void => {
      const nowMs = performance.now();
      while (made < total && beginMs + (made * 1000) / callsPerSecond <= nowMs) {
        latenessMs.push(nowMs - beginMs - (made * 1000) / callsPerSecond);
        new Call(tokens[made % tokens.length]!);
        made += 1;
      }
      if (made === total) resolve();
      else setTimeout(next, Math.max(0, beginMs + (made * 1000) / callsPerSecond - performance.now()));
    };
    next();
  });
  if (calls.size > 0) await new Promise<void>((resolve) => (onAllEnded = resolve));
  onAllEnded = () => undefined;
  return { setupMs, failed, retransmissions, latenessP95Ms: percentile(latenessMs, 0.95) };
}

process.on('message', (question) => {
  request = question as CallLoadRequest;
  void run().then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit(0));
