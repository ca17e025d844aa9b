/** The called side of a softphone's call, message by message. */
import { formatMessage } from '../../../src/sip-server/message/format-message.js';
import { HeaderFields } from '../../../src/sip-server/message/header-fields.js';
import type { SipMessage, SipRequest, SipResponse } from '../../../src/sip-server/message/message.js';
import type { Flow } from '../../../src/sip-server/transport/flow.js';
import { TcpTransport } from '../../../src/sip-server/transport/tcp-transport.js';
import type { ListeningTransport } from '../../../src/sip-server/transport/transport.js';
import { UdpTransport } from '../../../src/sip-server/transport/udp-transport.js';
import { PhoneMedia } from '../../../src/softphone/phone-media.js';
import { formatAnswer, readAudio } from '../../../src/softphone/sdp.js';
import type { LocalDescription } from '../../../src/softphone/sdp.js';
import { within } from '../../support/wait-for.js';

export const host = '127.0.0.1';

/** The far end of a call, played by the test message by message: it answers nothing by itself. */
export class Callee {
  readonly messages: SipMessage[] = [];
  readonly media: PhoneMedia;
  readonly uri: string;
  readonly #transport: ListeningTransport;
  #flow: Flow | undefined;
  #invite: SipRequest | undefined;
  #cseq = 0;
  #version = 0;
  #waiting: (() => void)[] = [];

  private constructor(transport: ListeningTransport, media: PhoneMedia, port: number) {
    this.#transport = transport;
    this.media = media;
    this.uri = `sip:callee@${host}:${port}${transport.protocol === 'tcp' ? ';transport=tcp' : ''}`;
    transport.onMessage((message, flow) => {
      this.#flow = flow;
      this.messages.push(message);
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  static async listen(protocol: 'udp' | 'tcp' = 'udp', toneHz = 1_000): Promise<Callee> {
    const transport = protocol === 'udp' ? new UdpTransport() : new TcpTransport();
    const { port } = await transport.listen(host, 0);
    const media = await PhoneMedia.open({ address: host, source: { kind: 'tone', frequencyHz: toneHz } });
    return new Callee(transport, media, port);
  }

  /** The next request of that method; those before it are forgotten. */
  async request(method: string): Promise<SipRequest> {
    const found = await this.#next((message) => message.kind === 'request' && message.method === method);
    const request = found as SipRequest;
    if (method === 'INVITE') this.#invite ??= request;
    return request;
  }

  async response(): Promise<SipResponse> {
    return (await this.#next((message) => message.kind === 'response')) as SipResponse;
  }

  async respond(
    to: SipRequest,
    status: number,
    reason: string,
    more: [string, string][] = [],
    body = '',
  ): Promise<void> {
    const headers = new HeaderFields();
    for (const { name, value } of to.headers) {
      if (['Via', 'From', 'Call-ID', 'CSeq'].includes(name)) headers.append(name, value);
      if (name === 'To')
        headers.append(name, status === 100 || value.includes('tag=') ? value : `${value};tag=callee`);
    }
    headers.append('Contact', `<${this.uri}>`);
    for (const [name, value] of more) headers.append(name, value);
    if (body !== '') headers.append('Content-Type', 'application/sdp');
    await this.#flow?.send(
      formatMessage({ kind: 'response', status, reason, headers, body: Buffer.from(body) }),
    );
  }

  /** Answers an INVITE's offer with a 200 and begins to send. */
  async answer(invite: SipRequest, direction: LocalDescription['direction'] = 'sendrecv'): Promise<void> {
    const offer = invite.body.toString();
    const audio = readAudio(offer, ['PCMU', 'PCMA']);
    if (!audio) throw new Error('the offer has no audio');
    this.media.agree(audio);
    await this.respond(invite, 200, 'OK', [], formatAnswer(this.description(direction), offer, audio));
  }

  description(direction: LocalDescription['direction']): LocalDescription {
    const { localAddress: address, localPort: port } = this.media;
    return {
      address,
      port,
      sessionId: '1',
      version: (this.#version += 1),
      codecs: ['PCMU', 'PCMA'],
      direction,
    };
  }

  /** A request in the call, from our side; gives what was sent. */
  async ask(
    method: string,
    more: [string, string][] = [],
    body = '',
    changes: Record<string, string> = {},
  ): Promise<SipRequest> {
    const invite = this.#invite;
    if (!invite) throw new Error('there is no call');
    if (method !== 'ACK') this.#cseq += 1;
    const headers = new HeaderFields([
      [
        'Via',
        `SIP/2.0/${this.#transport.protocol.toUpperCase()} ${host}:${this.#transport.boundAddress?.port};branch=z9hG4bK${method}${this.#cseq}`,
      ],
      ['Max-Forwards', '70'],
      ['From', `${invite.headers.get('To')};tag=callee`],
      ['To', invite.headers.get('From') ?? ''],
      ['Call-ID', invite.headers.get('Call-ID') ?? ''],
      ['CSeq', `${this.#cseq} ${method}`],
      ['Contact', `<${this.uri}>`],
      ...more,
    ]);
    if (body !== '') headers.append('Content-Type', 'application/sdp');
    for (const [name, value] of Object.entries(changes)) headers.set(name, value);
    const request: SipRequest = {
      kind: 'request',
      method,
      uri: 'sip:phone@x',
      headers,
      body: Buffer.from(body),
    };
    await this.#flow?.send(formatMessage(request));
    return request;
  }

  async close(): Promise<void> {
    await Promise.all([this.#transport.close(), this.media.close()]);
  }

  async #next(fits: (message: SipMessage) => boolean): Promise<SipMessage> {
    for (;;) {
      const message = this.messages.shift();
      if (message && fits(message)) return message;
      if (!message) await within('a message', new Promise<void>((resolve) => this.#waiting.push(resolve)));
    }
  }
}
