/** Which keys both sides of a session description agree on (RFC 4568 §5, §7), and whether there must be any. */
import { isPlainRtp, unsupportedProtocol } from '../../../sdp/audio-section.js';
import { cryptoAttribute, cryptoAttributes, type CryptoAttribute } from '../../../sdp/crypto-attributes.js';
import type { Attribute, MediaDescription } from '../../../sdp/session-description.js';
import { masterLength, srtpSuiteOf, srtpSuites, type SrtpMasterKey, type SrtpSuite } from './srtp-suite.js';

/** `off`: no keys are offered or taken. `allow`: as the far end has it. `require`: without SRTP there is no call. */
export type SrtpPolicy = 'off' | 'allow' | 'require';

/** What the far end sends with, and the suite of both directions. */
export interface AgreedSrtp {
  readonly suite: SrtpSuite;
  /** The number of the line that was taken: an answer repeats it (§5.1.2). */
  readonly tag: number;
  readonly remoteKey: SrtpMasterKey;
  /** What the far end calls its key in each packet; null: nothing. */
  readonly remoteMki: Buffer | null;
}

/** Our own keys: one for each suite, the same for as long as the call lasts. */
export interface SrtpKeys {
  keyFor(suite: SrtpSuite): SrtpMasterKey;
}

/** SRTP by name (RFC 3711 §12); under the name of plain RTP a key says the same, where both have one (RFC 8643). */
export const isSrtp = ({ protocol }: Pick<MediaDescription, 'protocol'>): boolean =>
  /^RTP\/SAVPF?$/i.test(protocol);

/** The first line that can be done as it asks, in the far end’s order (§5.1.2). `offered`: of those tags and suites, where we offered. */
export function srtpIn(
  media: Pick<MediaDescription, 'attributes'>,
  policy: SrtpPolicy,
  offered: readonly SrtpSuite[] | null = null,
): AgreedSrtp | null {
  if (policy === 'off') return null;
  for (const line of cryptoAttributes(media)) {
    const suite = usableSuiteOf(line);
    if (suite === null) continue;
    if (offered !== null && (!offered.includes(suite) || line.tag !== tagOf(suite))) continue;
    const { tag, keyAndSalt, mki } = line;
    return { suite, tag, remoteKey: { suite, keyAndSalt }, remoteMki: mki };
  }
  return null;
}

/** Why a section cannot be used, whatever its codecs; null where it can. `offered` as above. */
export function srtpObstacle(
  media: MediaDescription,
  policy: SrtpPolicy,
  offered: readonly SrtpSuite[] | null = null,
): string | null {
  const isNamed = isSrtp(media);
  if (!isNamed && !isPlainRtp(media)) return unsupportedProtocol(media);
  if (isNamed && policy === 'off') return `${media.protocol}: SRTP is switched off for this call`;
  if (srtpIn(media, policy, offered) !== null) return null;
  if (isNamed) return `${media.protocol}: no a=crypto line can be used`;
  return policy === 'require' ? `${media.protocol}: the call must be encrypted (SRTP)` : null;
}

/** The suites of an offer of ours: all, or in a call that goes on that which it has. */
export function offeredSuites(
  policy: SrtpPolicy,
  previous: { readonly srtp: AgreedSrtp | null; readonly offersKeys?: boolean } | null,
): readonly SrtpSuite[] {
  if (policy === 'off') return [];
  if (previous === null || previous.offersKeys === true) return srtpSuites;
  if (previous.srtp !== null) return [previous.srtp.suite];
  return policy === 'require' ? srtpSuites : [];
}

/** The lines of an offer of ours. */
export const offerLines = (suites: readonly SrtpSuite[], keys: SrtpKeys): Attribute[] =>
  suites.map((suite) => lineOf(suite, tagOf(suite), keys));

/** The one line of an answer (§5.1.2); none without SRTP. */
export const answerLines = (agreed: AgreedSrtp | null, keys: SrtpKeys): Attribute[] =>
  agreed === null ? [] : [lineOf(agreed.suite, agreed.tag, keys)];

const lineOf = (suite: SrtpSuite, tag: number, keys: SrtpKeys): Attribute =>
  cryptoAttribute({ tag, suite: suite.name, keyAndSalt: keys.keyFor(suite).keyAndSalt });

/** The same in every offer of ours: it tells which line an answer takes. */
const tagOf = (suite: SrtpSuite): number => srtpSuites.indexOf(suite) + 1;

function usableSuiteOf({ suite: name, keyAndSalt, demands }: CryptoAttribute): SrtpSuite | null {
  const suite = srtpSuiteOf(name);
  return suite !== null && demands.length === 0 && keyAndSalt.length === masterLength(suite) ? suite : null;
}
