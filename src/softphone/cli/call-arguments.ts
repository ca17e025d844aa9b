/** The command line of `landbridge call`. */
import { parseArgs } from 'node:util';
import { commandLineFault } from '../../validation/command-line-fault.js';
import { phoneCodecNamed, phoneCodecNames, type PhoneCodecName } from '../../sdp/phone-codecs.js';
import { escapeUser, formatUri, parseUri } from '../../sip-server/message/uri.js';

export interface CallArguments {
  readonly uri: string;
  readonly token?: string;
  readonly playFile?: string;
  readonly toneHz?: number;
  readonly recordFile?: string;
  /** 0: until the far end hangs up. */
  readonly seconds: number;
  readonly dtmf?: string;
  /** The preferred first. */
  readonly codecs?: readonly PhoneCodecName[];
  /** SRTP, and nothing else. */
  readonly isEncrypted?: boolean;
  /** Over TLS any certificate is taken. */
  readonly isInsecure?: boolean;
  /** Stands before each line that is printed. */
  readonly name?: string;
}

export const callUsage = `usage: landbridge call <sip-uri> [options]

  Places a phone call and tells what is heard. <sip-uri> is sip:user@host[:port], with ;transport=tcp for TCP, ;transport=tls
  or sips: for TLS.

  --token <jwt>     the participant's token, sent in User-to-User
  --code <code>     the participant's join code, put into the user part of the URI
  --play <file>     play a WAV file (default: a tone)
  --tone <hz>       play a tone (default: 440)
  --record <file>   write what is heard to a WAV file
  --dtmf <keys>     press keys (0-9 * # A-D) one second after the answer
  --codec <names>   offer these codecs, the preferred first: opus, G722, PCMU, PCMA (default: PCMU,PCMA)
  --srtp            offer SRTP alone, with keys in the SDP: over TLS, where nobody else reads them
  --name <name>     begin each line with this name, where several phones print
  --insecure        over TLS, take any certificate
  --seconds <n>     hang up after n seconds (default: 10; 0: when the far end does)

  Exits 0 when the call was answered and ended as it should, 1 when not, 2 when this is what you read.`;

/** Reads the command line; a string says what is wrong with it. */
export function parseCallArguments(argv: readonly string[]): CallArguments | string {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        token: { type: 'string' },
        code: { type: 'string' },
        play: { type: 'string' },
        tone: { type: 'string' },
        record: { type: 'string' },
        seconds: { type: 'string' },
        dtmf: { type: 'string' },
        codec: { type: 'string' },
        srtp: { type: 'boolean' },
        insecure: { type: 'boolean' },
        name: { type: 'string' },
      },
    });
  } catch (error) {
    return commandLineFault(error);
  }
  const { values, positionals } = parsed;
  const [text, ...rest] = positionals;
  if (text === undefined) return 'a SIP URI is missing';
  if (rest.length > 0) return `one SIP URI, not ${positionals.length}`;
  const uri = parseUri(/^[a-z]+:/i.test(text) && !/^[^@:]+:\d+$/.test(text) ? text : `sip:${text}`);
  if (uri === null || uri.scheme === 'tel') return `not a sip: URI: ${text.slice(0, 100)}`;
  const transport = uri.params.get('transport')?.toLowerCase();
  if (transport !== undefined && !['udp', 'tcp', 'tls'].includes(transport))
    return 'transport is udp, tcp or tls';
  if (uri.scheme === 'sips' && transport === 'udp') return 'sips: is TLS, which is not over UDP';
  if (values.token !== undefined && values.code !== undefined) return '--token or --code, not both';
  if (values.play !== undefined && values.tone !== undefined) return '--play or --tone, not both';
  const toneHz = values.tone === undefined ? undefined : Number(values.tone);
  if (toneHz !== undefined && !(toneHz >= 20 && toneHz <= 3_900)) return '--tone is from 20 to 3900 Hz';
  const seconds = values.seconds === undefined ? 10 : Number(values.seconds);
  if (!(seconds >= 0 && seconds <= 86_400) || values.seconds === '') return '--seconds is from 0 to 86400';
  if (values.dtmf !== undefined && !/^[0-9*#A-D]+$/i.test(values.dtmf))
    return '--dtmf takes 0-9, *, # and A-D';
  const codecs = values.codec?.split(',').map((name) => phoneCodecNamed(name.trim()));
  if (codecs?.includes(null) === true) return `--codec is one or more of ${phoneCodecNames.join(', ')}`;
  const called = values.code === undefined ? uri : { ...uri, user: escapeUser(values.code) };
  return {
    uri: formatUri(called),
    seconds,
    ...(values.token !== undefined && { token: values.token }),
    ...(values.play !== undefined && { playFile: values.play }),
    ...(toneHz !== undefined && { toneHz }),
    ...(values.record !== undefined && { recordFile: values.record }),
    ...(values.dtmf !== undefined && { dtmf: values.dtmf }),
    ...(codecs !== undefined && { codecs: [...new Set(codecs)].filter((codec) => codec !== null) }),
    ...(values.srtp === true && { isEncrypted: true }),
    ...(values.insecure === true && { isInsecure: true }),
    ...(values.name !== undefined && { name: values.name }),
  };
}
