/** Guessing passwords and codes: the guesser is slowed down, whoever shares the address with him is not. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHook, hookUrl, newCall, platformOf, send } from '../support/hooks.js';
import { audioOffer, RawSip } from '../support/raw-sip.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
});
afterAll(() => gateway.stop());

it('tries 30 passwords a minute at a hook of Bandwidth, and lets the platform at the same address go on', async () => {
  const sessionId = await gateway.rest.createSession();
  const { id } = await createHook(gateway, 'bandwidth', { kind: 'session', sessionId });
  const genuine = () => platformOf('bandwidth').call(hookUrl(gateway, 'bandwidth', id), newCall());
  expect((await send(genuine())).status).toBe(200);
  const guess = async (index: number) => {
    const request = genuine();
    const authorization = `Basic ${Buffer.from(`user:guess ${index}`).toString('base64')}`;
    // Every third at a hook that is not there.
    const url = index % 3 === 0 ? hookUrl(gateway, 'bandwidth', randomUUID()) : request.url;
    return (await send({ ...request, url, headers: { ...request.headers, authorization } })).status;
  };
  // All were tried, 2,500 a second, and 404 told which hooks there are.
  const statuses = await Promise.all(Array.from({ length: 100 }, (_, index) => guess(index)));
  expect(statuses.filter((status) => status === 403)).toHaveLength(30);
  expect(statuses.filter((status) => status === 429)).toHaveLength(70);
  expect((await send(genuine())).status).toBe(200);
});

const code = (at: number) => String(at).padStart(12, '0');

/** Calls over one TCP connection from an address of this machine. */
class TcpCaller {
  answers = '';
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (chunk: string) => (this.answers += chunk));
  }

  static async open(from: string): Promise<TcpCaller> {
    const socket = connect({ host: '127.0.0.1', port: gateway.sipPort, localAddress: from });
    await once(socket, 'connect');
    return new TcpCaller(socket);
  }

  /** One call to each of these codes, in one write. */
  call(codes: readonly string[]): void {
    const { localAddress: host = '', localPort = 0 } = this.#socket;
    const here = `${host}:${String(localPort)}`;
    const body = audioOffer(localPort);
    const invite = (joinCode: string) =>
      [
        `INVITE sip:${joinCode}@gateway.example SIP/2.0`,
        `Via: SIP/2.0/TCP ${here};branch=z9hG4bK${randomUUID()}`,
        ...['Max-Forwards: 70', 'From: <sip:x@127.0.0.1>;tag=1', `To: <sip:${joinCode}@gateway.example>`],
        ...[`Call-ID: ${randomUUID()}`, 'CSeq: 1 INVITE', `Contact: <sip:x@${here};transport=tcp>`],
        ...['Content-Type: application/sdp', `Content-Length: ${String(body.length)}`, '', body],
      ].join('\r\n');
    this.#socket.write(codes.map(invite).join(''));
  }

  count(status: number): number {
    return this.answers.split(`SIP/2.0 ${String(status)} `).length - 1;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A call over UDP, whose address anybody may forge: the status, and the reason text of a refusal. */
async function callOverUdp(from: string, joinCode: string): Promise<string> {
  const sip = await RawSip.open(gateway.sipPort, from);
  sip.send(sip.invite({ uri: `sip:${joinCode}@gateway.example`, body: audioOffer(sip.port) }));
  const final = await sip.final('INVITE');
  sip.close();
  return `${String(final.status)} ${/text="([^"]*)"/.exec(final.header('Reason') ?? '')?.[1] ?? ''}`.trim();
}

const newCode = async () => {
  const { joinCode } = await gateway.rest.newcomer(await gateway.rest.createSession());
  return joinCode.replaceAll('-', '');
};

describe('Join codes', () => {
  it('are looked up ten times a minute, also where 300 come in one write', async () => {
    const caller = await TcpCaller.open('127.0.0.1');
    caller.call(Array.from({ length: 300 }, (_, at) => code(at)));
    // Whoever has guessed too much is a stranger who shows nothing: answered at a limited rate, and taken for a scanner in the end.
    const withheld = async () => {
      const metrics = await gateway.metrics();
      const names = ['landbridge_sip_answers_withheld_total', 'landbridge_sip_scanners_ignored_total'];
      return names.reduce((sum, name) => sum + (metrics.get(name) ?? 0), 0);
    };
    await waitFor(
      'all are dealt with',
      async () => (await withheld()) + caller.count(403) + caller.count(503) >= 300,
    );
    caller.close();
    // 123 of them were.
    expect(caller.count(403)).toBe(10);
  });

  it('that were guessed in datagrams, whose address may be forged, shut nobody out who calls over a connection', async () => {
    const from = '127.0.0.70';
    for (let at = 0; at < 10; at += 1) expect(await callOverUdp(from, code(at))).toBe('403 token-invalid');
    expect(await callOverUdp(from, await newCode())).toBe('503 too-many-guesses');
    const caller = await TcpCaller.open(from);
    caller.call([await newCode()]);
    // It was 503.
    await waitFor('it is answered', () => caller.count(200) === 1);
    caller.close();
    // Nor does anybody at another address go without.
    expect(await callOverUdp('127.0.0.71', await newCode())).toBe('200');
  });

  it('that were guessed over a connection shut nobody out whose calls come as datagrams', async () => {
    const from = '127.0.0.72';
    const caller = await TcpCaller.open(from);
    caller.call(Array.from({ length: 11 }, (_, at) => code(at)));
    await waitFor('all are answered', () => caller.count(403) === 10 && caller.count(503) === 1);
    expect(caller.answers).toContain('text="too-many-guesses"');
    caller.close();
    expect(await callOverUdp(from, await newCode())).toBe('200');
  });

  it('that are wrong at one account’s console block nobody else on this machine', async () => {
    const restarted = await TestGateway.start();
    try {
      const ended: string[] = [];
      for (let at = 0; at < 12; at += 1) {
        const { id } = await restarted.rest.done<{ id: string }>('POST', '/phone-calls', {
          joinCode: code(at),
        });
        await waitFor('it is refused', async () => {
          const call = await restarted.rest.done<{ state: string; reason?: string }>(
            'GET',
            `/phone-calls/${id}`,
          );
          if (call.state !== 'ended') return false;
          ended.push(call.reason ?? '');
          return true;
        });
      }
      expect(ended).toEqual([
        ...Array<string>(10).fill('token-invalid'),
        'too-many-guesses',
        'too-many-guesses',
      ]);
      const { joinCode } = await restarted.rest.newcomer(await restarted.rest.createSession());
      const sip = await RawSip.open(restarted.sipPort);
      const uri = `sip:${joinCode.replaceAll('-', '')}@gateway.example`;
      sip.send(sip.invite({ uri, body: audioOffer(sip.port) }));
      // It was 503.
      expect((await sip.final('INVITE')).status).toBe(200);
      sip.close();
    } finally {
      await restarted.stop();
    }
  });
});
