/** `landbridge call`: a softphone on the command line. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { formatHostPort } from '../../sip-server/message/host-port.js';
import { formatWav, readWavMono } from '../../media/worker/sound/wav.js';
import type { AudioSource } from '../audio-source.js';
import type { CallEnd } from '../call-end.js';
import { CallNotAnswered, placeCall, type CallProgress, type PhoneCall } from '../phone-call.js';
import { faultInWords } from './fault-in-words.js';
import { callUsage, parseCallArguments, type CallArguments } from './call-arguments.js';

/** How much of a call without an end in sight is recorded, the last of it. */
const longestRecordingSeconds = 1_800;

/** Who gave the call up waits so long for the far end to agree. A CANCEL waits for its first word (RFC 3261 §9.1), which may never come. */
const patienceMs = 1_000;
/** A far end of which nothing came for so long is gone. */
const defaultLostAfterMs = 10_000;
const reportMs = 1_000;

/**
 * `landbridge call …`: places a call, prints its progress and what is heard, and gives the exit code: 0 answered and
 * ended as it should, 1 not, 2 usage.
 */
export async function runCallCommand(
  argv: string[],
  write: (line: string) => void = (line) => console.log(line),
  lostAfterMs = defaultLostAfterMs,
): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    write(callUsage);
    return 0;
  }
  const parsed = parseCallArguments(argv);
  if (typeof parsed === 'string') {
    write(`${parsed}\n\n${callUsage}`);
    return 2;
  }
  const { name } = parsed;
  const print = name === undefined ? write : (line: string) => write(`${name}: ${line}`);
  let source: AudioSource;
  try {
    source = await sourceOf(parsed);
  } catch (error) {
    print(`cannot play ${parsed.playFile ?? ''}: ${faultInWords(error)}`);
    return 2;
  }
  try {
    // Now, and not when the call is over that was to be recorded.
    if (parsed.recordFile !== undefined) await (await open(parsed.recordFile, 'a')).close();
  } catch (error) {
    print(`cannot write ${parsed.recordFile ?? ''}: ${faultInWords(error)}`);
    return 2;
  }
  const interruption = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  let resolveImpatient: () => void = () => {};
  const impatient = new Promise<null>((resolve) => (resolveImpatient = () => resolve(null)));
  const interrupt = (): void => {
    // The second time nobody wants to wait for the far end's manners.
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
    patience = setTimeout(resolveImpatient, patienceMs);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const call = await placeCall({
      uri: parsed.uri,
      source,
      signal: interruption.signal,
      keepSeconds: keepSeconds(parsed),
      onProgress: (progress) => printProgress(progress, parsed.uri, print),
      ...(parsed.token !== undefined && { token: parsed.token }),
      ...(parsed.codecs !== undefined && { codecs: parsed.codecs }),
      ...(parsed.isEncrypted === true && { srtp: 'named' as const }),
      verifyServer: parsed.isInsecure !== true,
    });
    return await attend(call, parsed, print, { lostAfterMs, impatient });
  } catch (error) {
    print(`failed: ${faultInWords(error)}`);
    return 1;
  } finally {
    clearTimeout(patience);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function attend(
  call: PhoneCall,
  parsed: CallArguments,
  print: (line: string) => void,
  { lostAfterMs, impatient }: { readonly lostAfterMs: number; readonly impatient: Promise<null> },
): Promise<number> {
  try {
    const answering = call.answered.then(
      () => true,
      (error: unknown) => {
        if (error instanceof CallNotAnswered) return false;
        throw error;
      },
    );
    const answered = await Promise.race([answering, impatient]);
    if (answered === null) print('cancelled: the far end says nothing');
    if (answered !== true) return 1;
    const listening = listen(call, print, lostAfterMs);
    const limit =
      parsed.seconds === 0 ? undefined : setTimeout(() => void call.hangUp(), parsed.seconds * 1_000);
    const keys =
      parsed.dtmf === undefined ? undefined : setTimeout(() => press(call, parsed.dtmf ?? '', print), 1_000);
    const end = await Promise.race([call.ended, listening.lost, impatient]);
    listening.stop();
    clearTimeout(limit);
    clearTimeout(keys);
    const { packetsSent, packetsReceived, packetsLost, jitterMs } = call.statistics;
    print(
      `sent ${packetsSent} packets, received ${packetsReceived}, lost ${packetsLost}, jitter ${jitterMs.toFixed(1)} ms`,
    );
    if (parsed.recordFile !== undefined) {
      const recording = call.heard.recording();
      await writeFile(parsed.recordFile, formatWav(recording));
      print(`recorded ${(recording.length / 8_000).toFixed(1)} s to ${parsed.recordFile}`);
    }
    return end !== null && isGood(end) ? 0 : 1;
  } finally {
    await call.close();
  }
}

/** Prints what is heard each second; `lost` resolves with null when nothing came for too long from a far end that should send. */
function listen(
  call: PhoneCall,
  print: (line: string) => void,
  lostAfterMs: number,
): { readonly lost: Promise<null>; stop(): void } {
  const answeredAtMs = performance.now();
  let packets = 0;
  let heardAtMs = answeredAtMs;
  let resolveLost: (value: null) => void = () => {};
  const lost = new Promise<null>((resolve) => (resolveLost = resolve));
  const report = setInterval(
    () => {
      const nowMs = performance.now();
      const { packetsReceived } = call.statistics;
      if (packetsReceived !== packets || !call.remoteSends) heardAtMs = nowMs;
      packets = packetsReceived;
      print(hearing(call, nowMs - answeredAtMs));
      if (nowMs - heardAtMs < lostAfterMs) return;
      print(`nothing has come from the far end for ${Math.round(lostAfterMs / 1_000)} s: the call is lost`);
      resolveLost(null);
    },
    Math.min(reportMs, lostAfterMs),
  );
  return { lost, stop: () => clearInterval(report) };
}

/** Q.850 §2.2.7.1.16: a normal call clearing, which is also what no cause means. */
const normalClearing = 16;

/** It was hung up, and not for a reason like a wrong PIN or lost media. */
function isGood({ why, by, reason }: CallEnd): boolean {
  if (why !== 'hang-up') return false;
  return (
    by !== 'remote' || reason?.protocol !== 'Q.850' || (reason.cause ?? normalClearing) === normalClearing
  );
}

function press(call: PhoneCall, keys: string, print: (line: string) => void): void {
  call.sendDtmf(keys).then(
    () => print(`pressed ${keys}`),
    (error: unknown) => print(`could not press ${keys}: ${faultInWords(error)}`),
  );
}

async function sourceOf({ playFile, toneHz }: CallArguments): Promise<AudioSource> {
  if (playFile === undefined) return { kind: 'tone', frequencyHz: toneHz ?? 440 };
  return { kind: 'sound', pcm: readWavMono(await readFile(playFile)), repeat: true };
}

function keepSeconds({ recordFile, seconds }: CallArguments): number {
  if (recordFile === undefined) return 5;
  return seconds === 0 ? longestRecordingSeconds : Math.min(longestRecordingSeconds, seconds + 5);
}

function printProgress(progress: CallProgress, uri: string, print: (line: string) => void): void {
  switch (progress.kind) {
    case 'calling':
      // A URI parameter or a join code is a secret as good as a token.
      print(
        `calling ${uri.slice(uri.lastIndexOf('@') + 1).replace(/[;?].*$/s, '')} from ${formatHostPort(progress.localAddress, progress.localPort)}`,
      );
      return;
    case 'provisional':
      print(`${progress.status} ${progress.reasonPhrase}`);
      return;
    case 'answered': {
      const { afterMs, codec, srtp, remoteAddress, remotePort } = progress.answer;
      const how = srtp === null ? codec : `${codec}, encrypted by ${srtp},`;
      print(
        `answered after ${afterMs.toFixed(0)} ms: ${how} with ${formatHostPort(remoteAddress, remotePort)}`,
      );
      return;
    }
    case 'changed': {
      const { remoteReceives, remoteSends } = progress;
      const hears = remoteReceives ? 'hears us' : 'does not hear us';
      print(`the far end now ${hears} and ${remoteSends ? 'talks' : 'is silent'}`);
      return;
    }
    case 'key':
      print(`the far end pressed ${progress.key}`);
      return;
    case 'ended':
      print(describeEnd(progress.end));
  }
}

/** One line about how a call ended. */
function describeEnd({ by, why, status, reasonPhrase, reason }: CallEnd): string {
  const said =
    reason?.text ?? (reason?.cause === undefined ? undefined : `${reason.protocol} ${reason.cause}`);
  const because = said === undefined ? '' : ` (${said})`;
  switch (why) {
    case 'hang-up':
      return by === 'local' ? 'hung up' : `the far end hung up${because}`;
    case 'refused':
      return `refused: ${status ?? ''} ${reasonPhrase ?? ''}${because}`;
    case 'cancelled':
      return 'cancelled';
    case 'timeout':
      return 'no answer from the far end';
    case 'transport-error':
      return 'the far end cannot be reached';
    case 'unusable-answer':
      return 'hung up: the answer has no audio that we can take part in';
  }
}

function hearing(call: PhoneCall, elapsedMs: number): string {
  const level = call.heard.levelDbfs();
  const frequency = call.heard.dominantFrequencyHz();
  const sound =
    frequency === null ? 'silence' : `${level.toFixed(1).padStart(6)} dBFS, ${frequency.toFixed(0)} Hz`;
  return `${Math.round(elapsedMs / 1_000)
    .toString()
    .padStart(4)} s  heard ${sound}`;
}
