/** The torture messages of RFC 4475, as the files of its appendix have them, by each way that SIP comes to us. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { ConformanceStage, ways, type BytePeer } from './conformance-stage.js';
import { verdicts, type Verdict } from './torture-verdicts.js';

const folder = fileURLToPath(new URL('rfc4475', import.meta.url));
const methods = [
  ...['invite', 'register', 'message', 'options', 'newmethod'],
  ...["!interesting-method0123456789_*+`.%indeed'~", 're%47ist%45r'],
];
/** What the application answers: nothing that lasts. */
const answerTo = (method: string): number => (method === 'INVITE' ? 603 : 299);

it('has a verdict for each message', () => {
  const files = readdirSync(folder).map((name) => name.replace('.dat', ''));
  expect(verdicts.map(({ file }) => file).sort()).toEqual(files.sort());
});

describe.each(ways)('a torture message over %s', (way) => {
  let stage: ConformanceStage;
  beforeAll(async () => {
    stage = await ConformanceStage.open({ methods, answersTo: (method) => [answerTo(method)] });
  });
  afterAll(async () => {
    await stage.settle();
    expect(stage.errors).toEqual([]);
    expect(stage.server.stats().transport.handlerErrors).toBe(0);
    await stage.close();
  });

  it.each(verdicts)('$file (RFC 4475 §$section): $is', async (verdict) => {
    const peer = await stage.peer(way);
    const before = stage.application.methods.length;
    const text = readMessage(verdict.file);
    peer.send(Buffer.from(text, 'latin1'));
    const isStream = way === 'tcp' || way === 'tls';
    const stream = isStream ? verdict.stream : undefined;
    if (stream === 'waits') {
      // What comes by another connection was read behind it.
      await probe(await stage.peer(way));
      expect(peer.text).toBe('');
    } else if (stream === 'closes') await waitFor('the stream is closed', () => peer.isClosed);
    else await probe(peer);
    const statuses = statusesOf(peer.text);
    if (stream === 'closes') expect(statuses).toContain(400);
    else if (stream !== 'waits') expect(statuses.slice(0, 1)).toEqual(expectedOf(verdict, text));
    const isHandedOn = verdict.is === 'application' && stream !== 'waits';
    const handedOn = (): string[] =>
      stage.application.methods.slice(before).filter((method) => method !== probeMethod);
    await waitFor('the application has it', () => handedOn().length === (isHandedOn ? 1 : 0));
  });
});

function expectedOf({ is }: Verdict, text: string): number[] {
  if (is === 'dropped') return [];
  return [is === 'application' ? answerTo(text.slice(0, text.indexOf(' '))) : is];
}

/**
 * The message with two changes that leave its meaning: over UDP the answer comes to where it was sent from, not to a name of an
 * example, and its branch is not that of another message.
 */
function readMessage(file: string): string {
  const text = readFileSync(`${folder}/${file}.dat`, 'latin1');
  return text
    .replace(/^(?:v|via)[ \t]*:[ \t]*SIP\/[\d.]+\/[A-Z]+ [a-z][^\r\n]*$/im, (via) => `${via};rport`)
    .replace(/branch=(z9hG4bK[^;\r\n]+)/, `branch=$1-${file}`);
}

const probeMethod = 'NEWMETHOD';

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

/** Final answers, in order, without those to probes. */
function statusesOf(text: string): number[] {
  return text
    .split(/(?=^SIP\/2\.0 \d{3})/m)
    .filter((message) => message !== '' && !message.includes(`1 ${probeMethod}`))
    .map((message) => Number(message.slice(8, 11)))
    .filter((status) => status >= 200);
}
