/** Messages of an RFC as its files have them, each sent as it is by each way that SIP comes to us, and what becomes of it. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { ConformanceStage, ways, type BytePeer } from './conformance-stage.js';
import type { Verdict } from './torture-verdicts.js';

/** It is handed on like any other method, and so shows that what came before was read. */
const probeMethod = 'NEWMETHOD';

export interface TortureSuite {
  readonly rfc: number;
  readonly verdicts: readonly Verdict[];
  /** Methods that the application asks for. */
  readonly methods: readonly string[];
  /** Loopback address of either family. */
  readonly host: string;
}

/** What the application answers: nothing that lasts. */
const answerTo = (method: string): number => (method === 'INVITE' ? 603 : 299);

/** One test for each message and way; it states a verdict for each file in the folder of that RFC. */
export function runTortureMessages({ rfc, verdicts, methods, host }: TortureSuite): void {
  const folder = fileURLToPath(new URL(`rfc${String(rfc)}`, import.meta.url));

  it('has a verdict for each message', () => {
    const files = readdirSync(folder).map((name) => name.replace('.dat', ''));
    expect(verdicts.map(({ file }) => file).sort()).toEqual(files.sort());
  });

  describe.each(ways)('a torture message over %s', (way) => {
    let stage: ConformanceStage;
    beforeAll(async () => {
      stage = await ConformanceStage.open({
        methods: [...methods, probeMethod.toLowerCase()],
        answersTo: (method) => [answerTo(method)],
        host,
      });
    });
    afterAll(async () => {
      await stage.settle();
      expect(stage.errors).toEqual([]);
      expect(stage.server.stats().transport.handlerErrors).toBe(0);
      await stage.close();
    });

    it.each(verdicts)(`$file (RFC ${String(rfc)} §$section): $is`, async (verdict) => {
      const peer = await stage.peer(way, host);
      const before = stage.application.methods.length;
      const text = readMessage(`${folder}/${verdict.file}.dat`);
      peer.send(Buffer.from(text, 'latin1'));
      const isStream = way === 'tcp' || way === 'tls';
      const stream = isStream ? verdict.stream : undefined;
      if (stream === 'waits') {
        // What comes by another connection was read behind it.
        await probe(await stage.peer(way, host));
        expect(peer.text).toBe('');
      } else if (stream === 'closes') await waitFor('the stream is closed', () => peer.isClosed);
      else await probe(peer);
      const answers = answersIn(peer.text);
      if (stream === 'closes') expect(answers.map(statusOf)).toContain(400);
      else if (stream !== 'waits')
        expect(answers.slice(0, 1).map(statusOf)).toEqual(expectedOf(verdict, text));
      // A tag may be added at the end (RFC 3261 §8.2.6.2).
      for (const line of verdict.repeats ?? []) expect(answers[0]).toContain(`\r\n${line}`);
      const isHandedOn = verdict.is === 'application' && stream !== 'waits';
      const handedOn = (): string[] =>
        stage.application.methods.slice(before).filter((method) => method !== probeMethod);
      await waitFor('the application has it', () => handedOn().length === (isHandedOn ? 1 : 0));
    });
  });
}

function expectedOf({ is }: Verdict, text: string): number[] {
  if (is === 'dropped') return [];
  return [is === 'application' ? answerTo(text.slice(0, text.indexOf(' '))) : is];
}

/**
 * The message with changes that leave its meaning: over UDP the answer comes to where it was sent from, not to a place of an example,
 * and neither its branch nor its Call-ID is that of another message (which would be the same request by another way, 482).
 */
function readMessage(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.dat'.length);
  const text = readFileSync(path, 'latin1');
  return text
    .replace(/^(?:v|via)[ \t]*:[ \t]*SIP\/[\d.]+\/[A-Z]+ [a-z[][^\r\n]*$/im, (via) => `${via};rport`)
    .replace(/branch=(z9hG4bK[^;\r\n]+)/, `branch=$1-${name}`)
    .replace(/^(Call-ID: \S+)\r$/m, `$1.${name}\r`);
}

/** Resolves when all that came before by the same way has been read, and answered where it is to be. */
async function probe(peer: BytePeer): Promise<void> {
  const callId = randomUUID();
  const lines = [
    `${probeMethod} sip:probe@example.com SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${callId};rport`,
    'From: <sip:probe@example.com>;tag=1',
    'To: <sip:probe@example.com>',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${probeMethod}`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ];
  peer.send(Buffer.from(lines.join('\r\n')));
  await waitFor('the probe is answered', () => peer.text.includes(`Call-ID: ${callId}`));
}

const statusOf = (message: string): number => Number(message.slice(8, 11));

/** Final answers, in order, without those to probes. */
function answersIn(text: string): string[] {
  return text
    .split(/(?=^SIP\/2\.0 \d{3})/m)
    .filter((message) => message !== '' && !message.includes(`1 ${probeMethod}`))
    .filter((message) => statusOf(message) >= 200);
}
