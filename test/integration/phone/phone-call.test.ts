import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readWavMono } from '../../../src/media/worker/sound/wav.js';
import { runCallCommand } from '../../../src/softphone/cli/call-command.js';
import { CallNotAnswered, placeCall } from '../../../src/softphone/phone-call.js';
import type { CallProgress, PhoneCall, PlaceCallOptions } from '../../../src/softphone/phone-call.js';
import { formatOffer, readAudio } from '../../../src/softphone/sdp.js';
import { TcpTransport } from '../../../src/sip-server/transport/tcp-transport.js';
import { eventually } from '../../support/media-owner.js';
import { Callee, host } from './callee.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function callee(protocol: 'udp' | 'tcp' = 'udp'): Promise<Callee> {
  const far = await Callee.listen(protocol);
  cleanUp.push(() => far.close());
  return far;
}

async function call(far: Callee, options: Partial<PlaceCallOptions> = {}): Promise<PhoneCall> {
  return placeCall({ uri: far.uri, source: { kind: 'tone', frequencyHz: 440 }, ...options });
}

/** A call that is answered, and its end when the test ends. */
async function answeredCall(far: Callee, options: Partial<PlaceCallOptions> = {}): Promise<PhoneCall> {
  const phone = await call(far, options);
  await far.answer(await far.request('INVITE'));
  await far.request('ACK');
  await phone.answered;
  return phone;
}

async function endCall(far: Callee, phone: PhoneCall): Promise<void> {
  const ended = phone.hangUp();
  await far.respond(await far.request('BYE'), 200, 'OK');
  expect(await ended).toEqual({ by: 'local', why: 'hang-up' });
  await phone.close();
}

describe.each(['udp', 'tcp'] as const)('a call over %s', (protocol) => {
  it('is answered, is heard at both ends, and is hung up here', async () => {
    const far = await callee(protocol);
    const told: CallProgress['kind'][] = [];
    const phone = await call(far, {
      token: 'a.b.c',
      headers: [['X-Own', '1']],
      onProgress: ({ kind }) => told.push(kind),
    });
    const invite = await far.request('INVITE');
    expect(invite.headers.get('User-to-User')).toBe('a.b.c;encoding=jwt');
    expect(invite.headers.get('X-Own')).toBe('1');
    expect(invite.headers.get('Contact')).toMatch(protocol === 'tcp' ? /;transport=tcp>$/ : /:\d+>$/);
    await far.respond(invite, 100, 'Trying');
    await far.respond(invite, 180, 'Ringing');
    await far.answer(invite);
    const ack = await far.request('ACK');
    expect(ack.headers.get('To')).toContain('tag=callee');
    expect(await phone.answered).toMatchObject({
      codec: 'PCMU',
      remotePort: far.media.localPort,
      takesKeys: true,
    });
    await eventually(() => phone.heard.hears(1_000, 300) && far.media.heard.hears(440, 300));
    expect(phone.heard.dominantFrequencyHz(300)).toBeCloseTo(1_000, -1);
    expect(phone.heard.hears(440, 300)).toBe(false);
    expect(phone.statistics).toMatchObject({ packetsLost: 0, packetsIgnored: 0 });
    expect(phone.statistics.packetsReceived).toBeGreaterThan(5);
    await endCall(far, phone);
    expect(told).toEqual(['calling', 'provisional', 'provisional', 'answered', 'ended']);
  });

  it('tells who hung up there, and why', async () => {
    const far = await callee(protocol);
    const phone = await answeredCall(far);
    await far.ask('BYE', [['Reason', 'Q.850;cause=16;text="Normal, clearing"']]);
    expect((await far.response()).status).toBe(200);
    expect(await phone.ended).toEqual({
      by: 'remote',
      why: 'hang-up',
      reason: { protocol: 'Q.850', cause: 16, text: 'Normal, clearing' },
    });
    await phone.close();
    await phone.close();
  });
});

describe('a call that is not answered', () => {
  it('tells status, phrase and reason of a refusal, which it acknowledges', async () => {
    const far = await callee();
    const phone = await call(far);
    const invite = await far.request('INVITE');
    await far.respond(invite, 403, 'Forbidden', [['Reason', 'SIP;cause=403;text="token-expired"']]);
    const ack = await far.request('ACK');
    expect(ack.headers.get('Via')).toBe(invite.headers.get('Via'));
    const end = await phone.ended;
    expect(end).toMatchObject({
      by: 'remote',
      why: 'refused',
      status: 403,
      reason: { text: 'token-expired' },
    });
    await expect(phone.answered).rejects.toBeInstanceOf(CallNotAnswered);
    await phone.close();
  });

  it('is cancelled only once the far end has shown that it knows of it', async () => {
    const far = await callee();
    const abort = new AbortController();
    const phone = await call(far, { signal: abort.signal });
    const invite = await far.request('INVITE');
    abort.abort();
    await far.respond(invite, 180, 'Ringing');
    const cancel = await far.request('CANCEL');
    expect(cancel.headers.get('CSeq')).toBe('1 CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    await far.respond(cancel, 200, 'OK');
    await far.respond(invite, 487, 'Request Terminated');
    await far.request('ACK');
    expect(await phone.ended).toMatchObject({ by: 'local', why: 'cancelled' });
    await phone.close();
  });

  it('is hung up at once when the answer overtakes the CANCEL', async () => {
    const far = await callee();
    const phone = await call(far);
    const invite = await far.request('INVITE');
    await far.respond(invite, 180, 'Ringing');
    const ended = phone.hangUp();
    await far.answer(invite);
    await far.request('ACK');
    await far.respond(await far.request('BYE'), 200, 'OK');
    expect(await ended).toEqual({ by: 'local', why: 'cancelled' });
    await expect(phone.answered).rejects.toThrow('not answered');
    await phone.close();
  });

  it('is hung up when the answer has nothing that it could use', async () => {
    const far = await callee();
    const phone = await call(far, { codecs: ['PCMA'] });
    await far.respond(await far.request('INVITE'), 200, 'OK', [], 'v=0\r\n');
    await far.request('ACK');
    await far.respond(await far.request('BYE'), 200, 'OK');
    expect(await phone.ended).toEqual({ by: 'local', why: 'unusable-answer' });
    await phone.close();
  });

  it('can be closed though the far end says nothing at all', async () => {
    const far = await callee();
    const phone = await call(far, { lingerMs: 20 });
    await far.request('INVITE');
    await Promise.all([phone.close(), phone.close()]);
    expect(await phone.ended).toMatchObject({ by: 'local' });
  });

  it('rejects where nothing can be sent', async () => {
    const closed = new TcpTransport();
    const { port } = await closed.listen(host, 0);
    await closed.close();
    const source = { kind: 'silence' } as const;
    await expect(placeCall({ uri: `sip:x@${host}:${port};transport=tcp`, source })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(placeCall({ uri: 'sip:x@y;transport=ws', source })).rejects.toThrow(TypeError);
    await expect(placeCall({ uri: 'sip:x@y', source, signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

describe('in a call', () => {
  it('acknowledges the answer again when it comes again', async () => {
    const far = await callee();
    const phone = await call(far);
    const invite = await far.request('INVITE');
    await far.answer(invite);
    const first = await far.request('ACK');
    await far.answer(invite);
    expect(await far.request('ACK')).toEqual(first);
    await endCall(far, phone);
  });

  it('holds and resumes', async () => {
    const far = await callee();
    const phone = await answeredCall(far);
    await eventually(() => far.media.heard.hears(440, 200));
    const held = phone.hold();
    const hold = await far.request('INVITE');
    expect(hold.body.toString()).toContain('a=sendonly');
    await far.answer(hold, 'recvonly');
    await far.request('ACK');
    await held;
    const { packetsSent } = phone.statistics;
    await eventually(() => far.media.heard.levelDbfs(100) === -Infinity);
    expect(phone.statistics.packetsSent).toBe(packetsSent);
    const resumed = phone.resume();
    const resume = await far.request('INVITE');
    expect(resume.body.toString()).toContain('a=sendrecv');
    await far.answer(resume);
    await far.request('ACK');
    await resumed;
    await eventually(() => far.media.heard.hears(440, 100));
    await endCall(far, phone);
  });

  it('stays as it was when a change is refused', async () => {
    const far = await callee();
    const phone = await answeredCall(far);
    const held = phone.hold();
    await far.respond(await far.request('INVITE'), 488, 'Not Acceptable Here');
    await expect(held).rejects.toThrow('488');
    await eventually(() => far.media.heard.hears(440, 100));
    await endCall(far, phone);
  });

  it('follows the changes of the far end, with and without an offer', async () => {
    const far = await callee();
    const changes: CallProgress[] = [];
    const phone = await answeredCall(far, {
      onProgress: (progress) => progress.kind === 'changed' && changes.push(progress),
    });
    await far.ask('INVITE', [], formatOffer(far.description('sendonly')));
    const answer = await far.response();
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain('a=recvonly');
    await far.ask('ACK');
    await far.ask('UPDATE', [], formatOffer(far.description('sendrecv')));
    expect((await far.response()).body.toString()).toContain('a=sendrecv');
    await far.ask('INVITE');
    const offer = await far.response();
    expect(readAudio(offer.body.toString(), ['PCMA'])?.codec).toBe('PCMA');
    await far.ask('ACK', [], formatOffer(far.description('recvonly')));
    await eventually(() => changes.length === 3);
    expect(changes).toMatchObject([
      { remoteReceives: false, remoteSends: true },
      { remoteReceives: true, remoteSends: true },
      { remoteReceives: true, remoteSends: false },
    ]);
    await endCall(far, phone);
  });

  it('answers whatever else is asked', async () => {
    const far = await callee();
    const phone = await answeredCall(far);
    const asked: [string, number, [string, string][]?, string?, Record<string, string>?][] = [
      ['OPTIONS', 200],
      ['INFO', 200],
      ['REFER', 405],
      ['INVITE', 488, [], 'v=0\r\nnonsense'],
      ['OPTIONS', 420, [['Require', 'magic']]],
      ['OPTIONS', 500, [], '', { CSeq: '1 OPTIONS' }],
      ['BYE', 481, [], '', { 'Call-ID': 'another' }],
      ['OPTIONS', 400, [['Max-Forwards', 'x']]],
    ];
    for (const [method, status, more, body, changes] of asked) {
      await far.ask(method, more, body, changes);
      expect([method, (await far.response()).status]).toEqual([method, status]);
    }
    await endCall(far, phone);
  });

  it('presses keys and hears them', async () => {
    const far = await callee();
    const keys: string[] = [];
    const phone = await answeredCall(far, {
      onProgress: (progress) => progress.kind === 'key' && keys.push(progress.key),
    });
    const pressed: string[] = [];
    far.media.onKey = (key) => pressed.push(key);
    await Promise.all([phone.sendDtmf('1*D'), far.media.press('00#')]);
    await eventually(() => pressed.length === 3 && keys.length === 3);
    expect(pressed).toEqual(['1', '*', 'D']);
    expect(keys).toEqual(['0', '0', '#']);
    await expect(phone.sendDtmf('x')).rejects.toThrow(RangeError);
    await endCall(far, phone);
  });

  it('echoes', async () => {
    const far = await callee();
    const phone = await answeredCall(far, { source: { kind: 'echo' } });
    await eventually(() => far.media.heard.hears(1_000, 200));
    await endCall(far, phone);
  });
});

describe('landbridge call', () => {
  it('tells its progress, records, and exits 0', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-'));
    cleanUp.push(() => rm(directory, { recursive: true }));
    const file = join(directory, 'heard.wav');
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand(
      [far.uri.replace('callee', 'x'), '--code', 'ABCD-1', '--seconds', '2.5', '--record', file],
      (line) => lines.push(line),
    );
    const invite = await far.request('INVITE');
    expect(invite.uri).toMatch(/^sip:ABCD-1@/);
    await far.respond(invite, 180, 'Ringing');
    await far.answer(invite);
    await far.respond(await far.request('BYE'), 200, 'OK');
    expect(await exit).toBe(0);
    const text = lines.join('\n');
    expect(text).toMatch(
      /^calling 127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+\n180 Ringing\nanswered after \d+ ms: PCMU with /,
    );
    expect(text).toMatch(/1 s {2}heard +-1\d\.\d dBFS, 1000 Hz/);
    expect(text).toMatch(/hung up\nsent \d+ packets, received \d+, lost 0/);
    expect(text).not.toContain('ABCD');
    expect(readWavMono(await readFile(file)).length).toBeGreaterThan(8_000);
  });

  it('exits 1 with what the far end said when it is refused', async () => {
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand([far.uri, '--token', 'secret'], (line) => lines.push(line));
    await far.respond(await far.request('INVITE'), 403, 'Forbidden', [
      ['Reason', 'SIP;cause=403;text="token-invalid"'],
    ]);
    expect(await exit).toBe(1);
    expect(lines.at(-1)).toBe('refused: 403 Forbidden (token-invalid)');
    expect(lines.join()).not.toContain('secret');
  });

  it('begins each line with its name where it has one', async () => {
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand([far.uri, '--name', '440 Hz'], (line) => lines.push(line));
    await far.respond(await far.request('INVITE'), 403, 'Forbidden');
    expect(await exit).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines.filter((line) => !line.startsWith('440 Hz: '))).toEqual([]);
  });

  it('gives up when it is interrupted while it rings, and exits 1', async () => {
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand([far.uri], (line) => lines.push(line));
    const invite = await far.request('INVITE');
    await far.respond(invite, 180, 'Ringing');
    const before = process.listenerCount('SIGINT');
    process.emit('SIGINT', 'SIGINT');
    await far.respond(await far.request('CANCEL'), 200, 'OK');
    await far.respond(invite, 487, 'Request Terminated');
    expect(await exit).toBe(1);
    expect(lines.at(-1)).toBe('cancelled');
    expect(process.listenerCount('SIGINT')).toBe(before - 1);
  });

  it('that nobody answers at all is given up soon after it is interrupted', async () => {
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand([far.uri], (line) => lines.push(line));
    await far.request('INVITE');
    process.emit('SIGINT', 'SIGINT');
    // 32 s of RFC 3261's Timer B otherwise.
    expect(await exit).toBe(1);
    expect(lines).toContain('cancelled: the far end says nothing');
  });

  it.each([
    [['sip:a@no-such-host.invalid'], 'failed: there is no host of the name no-such-host.invalid', 1],
    [['sip:a@127.0.0.1:1;transport=tls'], 'failed: nothing listens at 127.0.0.1:1', 1],
    [
      ['sip:a@127.0.0.1:1', '--record', '/no-such-directory/a.wav'],
      'cannot write /no-such-directory/a.wav: there is no',
      2,
    ],
    [['sip:a@127.0.0.1:1', '--play', '/no-such-file.wav'], 'cannot play /no-such-file.wav: there is no', 2],
  ])('%j says in plain words what is wrong', async (words, said, code) => {
    const lines: string[] = [];
    expect(await runCallCommand(words, (line) => lines.push(line))).toBe(code);
    expect(lines.at(-1)).toContain(said);
  });

  it('hangs up when it is interrupted in the call, and exits 0', async () => {
    const far = await callee();
    const exit = runCallCommand([far.uri, '--seconds', '0'], (line) => {
      if (line.startsWith('answered')) setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    });
    await far.answer(await far.request('INVITE'));
    await far.respond(await far.request('BYE'), 200, 'OK');
    expect(await exit).toBe(0);
  });

  it('exits 1 when nothing comes any more, and says so', async () => {
    const far = await callee();
    const lines: string[] = [];
    const exit = runCallCommand([far.uri, '--seconds', '0'], (line) => lines.push(line), 1_000);
    await far.answer(await far.request('INVITE'));
    await far.request('ACK');
    await eventually(() => far.media.heard.hears(440, 300));
    // As one that was killed.
    await far.media.close();
    await far.respond(await far.request('BYE'), 200, 'OK');
    expect(await exit).toBe(1);
    expect(lines.join('\n')).toContain('nothing has come from the far end for 1 s: the call is lost');
  });

  it('that cannot be ended, because the far end is gone, is no hang-up', async () => {
    const far = await Callee.listen('tcp');
    const phone = await answeredCall(far);
    await far.close();
    expect(await phone.hangUp()).toEqual({ by: 'network', why: 'timeout' });
    await phone.close();
  });

  it.each([
    ['Q.850;cause=21;text="pin-refused"', 1],
    ['Q.850;cause=41;text="media-lost"', 1],
    ['Q.850;cause=16;text="session-deleted"', 0],
    ['SIP;cause=200', 0],
  ])('ended by the far end with Reason: %s exits %i', async (reason, code) => {
    const far = await callee();
    const exit = runCallCommand([far.uri, '--seconds', '0'], () => {});
    await far.answer(await far.request('INVITE'));
    await far.request('ACK');
    await far.ask('BYE', [['Reason', reason]]);
    expect((await far.response()).status).toBe(200);
    expect(await exit).toBe(code);
  });

  it.each([
    [[]],
    [['sip:a@b', 'sip:c@d']],
    [['http://x']],
    [['sip:a@b', '--tone', '9000']],
    [['sip:a@b', '--seconds', 'x']],
    [['sip:a@b', '--nope']],
    [['sip:a@b', '--play', '/nowhere.wav']],
    [['sip:a@b', '--token', 't', '--code', 'c']],
  ])('exits 2 for %j', async (argv) => {
    expect(await runCallCommand(argv, () => {})).toBe(2);
  });
});
