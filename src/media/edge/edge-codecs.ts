/** The codecs between carriers and FreeSWITCH, and what of their parameters passes. */
import { parseFmtpParameters, type RtpMap } from '../../sdp/attributes.js';

export type EdgeCodecName = 'PCMU' | 'PCMA' | 'G722' | 'opus' | 'G729';

interface EdgeCodec {
  readonly clockRateHz: number;
  readonly channels: number;
  /** In offers of ours. */
  readonly payloadType: number;
  /** Format parameters with the values that are let through. */
  readonly parameters: Readonly<Record<string, RegExp>>;
  /** How FreeSWITCH's `show codec` names it. */
  readonly module: RegExp;
}

const flag = /^[01]$/;
const number = /^\d{1,6}$/;

const codecs: Readonly<Record<EdgeCodecName, EdgeCodec>> = {
  PCMU: { clockRateHz: 8000, channels: 1, payloadType: 0, parameters: {}, module: /^G\.711 ulaw/i },
  PCMA: { clockRateHz: 8000, channels: 1, payloadType: 8, parameters: {}, module: /^G\.711 alaw/i },
  // RFC 3551 §4.5.2: its clock is said to be 8000 and runs at 16000.
  G722: { clockRateHz: 8000, channels: 1, payloadType: 9, parameters: {}, module: /^G\.?722\b/i },
  // RFC 7587 §7.
  opus: {
    clockRateHz: 48_000,
    channels: 2,
    payloadType: 111,
    parameters: {
      maxplaybackrate: number,
      'sprop-maxcapturerate': number,
      maxaveragebitrate: number,
      minptime: number,
      stereo: flag,
      'sprop-stereo': flag,
      cbr: flag,
      useinbandfec: flag,
      usedtx: flag,
    },
    module: /^OPUS \(STANDARD\)/i,
  },
  // RFC 3551 §4.5.6, RFC 4856 §2.1.9.
  G729: {
    clockRateHz: 8000,
    channels: 1,
    payloadType: 18,
    parameters: { annexb: /^(?:yes|no)$/ },
    module: /G\.?729/i,
  },
};

/** In the order of our own offers. */
const edgeCodecNames = Object.keys(codecs) as readonly EdgeCodecName[];

/** Whether media workers speak the codec, too: it needs no transcoding. */
export const isG711 = (name: EdgeCodecName): boolean => name === 'PCMU' || name === 'PCMA';

/** A codec under the number that it has in one description. */
export interface CodecUse {
  readonly name: EdgeCodecName;
  readonly payloadType: number;
  readonly clockRateHz: number;
  readonly channels: number;
  /** `a=fmtp`, of known parameters only; empty where there are none. */
  readonly parameters: string;
}

/** The codec that an `a=rtpmap` means, or null where it is none of ours. */
export function codecOf(map: RtpMap, fmtp: string | null): CodecUse | null {
  const name = edgeCodecNames.find((one) => one.toLowerCase() === map.encodingName.toLowerCase());
  if (name === undefined) return null;
  const { clockRateHz, channels } = codecs[name];
  if (map.clockRateHz !== clockRateHz || map.channels !== channels) return null;
  const { payloadType } = map;
  return { name, payloadType, clockRateHz, channels, parameters: knownParameters(name, fmtp) };
}

/** As we would offer it; `taken` are numbers that mean something else. */
export function ownCodec(name: EdgeCodecName, taken: ReadonlySet<number>): CodecUse | null {
  const { clockRateHz, channels, payloadType: usual } = codecs[name];
  const dynamic = Array.from({ length: 32 }, (_, i) => 96 + i);
  const payloadType = [usual, ...dynamic].find((number) => !taken.has(number));
  if (payloadType === undefined) return null;
  return { name, payloadType, clockRateHz, channels, parameters: name === 'opus' ? 'useinbandfec=1' : '' };
}

function knownParameters(name: EdgeCodecName, fmtp: string | null): string {
  const known = codecs[name].parameters;
  return [...parseFmtpParameters(fmtp ?? '')]
    .filter(([parameter, value]) => Object.hasOwn(known, parameter) && known[parameter]?.test(value) === true)
    .map(([parameter, value]) => `${parameter}=${value}`)
    .join(';');
}

/**
 * The codecs that a FreeSWITCH can decode, by its answer to `show codec`. Its own mod_g729 only hands packets through, which
 * is of no use here.
 */
export function codecsOfFreeSwitch(showCodec: string): ReadonlySet<EdgeCodecName> {
  const rows = showCodec.split('\n').flatMap((line) => {
    const [type, name = '', module = ''] = line.split(',');
    return type === 'codec' && module.trim() !== 'mod_g729' ? [name] : [];
  });
  return new Set(edgeCodecNames.filter((name) => rows.some((row) => codecs[name].module.test(row))));
}
