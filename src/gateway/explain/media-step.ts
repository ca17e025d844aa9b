/** The step of an explanation that is about media: what of the offer would be taken, and what the answer would say. */
import { networkInterfaces } from 'node:os';
import type { Config } from '../../config/config-schema.js';
import { sipPlaces } from '../../config/sip-places.js';
import type { ExplainedValue } from '../../domain/call-explainer.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import { AdvertisedAddresses } from '../../domain/advertised-addresses.js';
import { descriptionIn } from '../../doors/sip/session-body.js';
import { phoneTermsOf } from '../../doors/sip/trunk-call.js';
import { answerOffer } from '../../media/worker/browser/browser-sdp.js';
import { newBrowserSections } from '../../media/worker/browser/browser-sections.js';
import {
  allPhoneEndpoints,
  endpointsFrom,
  type PhoneEndpoint,
} from '../../media/worker/phone/phone-endpoints.js';
import {
  formatAnswer,
  localDirection,
  negotiateOffer,
  preferencesOf,
} from '../../media/worker/phone/phone-sdp.js';
import type { SrtpKeys } from '../../media/worker/srtp/srtp-negotiation.js';
import { masterLength } from '../../media/worker/srtp/srtp-suite.js';
import { anyTerms } from '../../media/worker/phone/phone-terms.js';
import { rtpMaps } from '../../sdp/attributes.js';
import { addressTypeOf } from '../../sdp/media-address.js';
import { kindOfOffer } from '../../sdp/offer-kind.js';
import { SdpRefusal } from '../../sdp/sdp-refusal.js';
import { parseSessionDescription, type MediaDescription } from '../../sdp/session-description.js';
import { mediaAddressOf } from '../media.js';
import type { ChosenPlace, Question } from './question.js';
import { noted, passed, refused, type Step } from './step.js';

export interface MediaOutlook {
  readonly step: Step;
  /** The description of the answer; null where there is none to show. */
  readonly description: string | null;
}

type Settings = Pick<Config, 'sip' | 'tls' | 'rtp' | 'publicIp' | 'advertise' | 'freeswitch' | 'browser'>;

const statuses = { 'bad-sdp': 400, 'no-common-codec': 488 } as const;

/** `trunk`: that the call came over, which may have codecs of its own. */
export function mediaStep(question: Question, config: Settings, trunk: Trunk | null): MediaOutlook {
  const offer = descriptionIn(question.asked);
  if (offer === null) {
    const text = 'it brings no session description: ours comes in the 200, and the answer to it in the ACK';
    return {
      step: noted('media', text, { kind: isWebSocket(question) ? 'browser' : 'phone' }),
      description: null,
    };
  }
  try {
    if (kindOfOffer(offer) === 'browser') return browserOutlook(offer, config);
    return config.freeswitch === undefined
      ? phoneOutlook(offer, question, config, trunk)
      : { step: throughFreeSwitch(offer), description: null };
  } catch (error) {
    if (!(error instanceof SdpRefusal)) throw error;
    const details = { sections: sectionsOf(offer) };
    const answer = { sipStatus: statuses[error.code], reason: error.code };
    return {
      step: refused('media', `the offer is refused: ${error.message}`, answer, details),
      description: null,
    };
  }
}

function isWebSocket({ source }: Question): boolean {
  return source.transport === 'ws' || source.transport === 'wss';
}

function phoneOutlook(
  offer: string,
  { source, cameTo }: Question,
  config: Settings,
  trunk: Trunk | null,
): MediaOutlook {
  const terms = trunk === null ? anyTerms : phoneTermsOf(trunk.media);
  const codecs = terms.codecs ?? config.rtp.codecs ?? null;
  const srtp = terms.srtp ?? config.rtp.srtp;
  const agreement = negotiateOffer(offer, preferencesOf({ ...terms, codecs, srtp }), null);
  const { codec, layout, events, remoteRtp, addressType } = agreement;
  const endpoint = endpointFor(addressType, cameTo, config);
  const address = addressTold(endpoint, source.address, config);
  const rtpPort = config.rtp.ports.from + (config.rtp.ports.from % 2);
  const session = parseSessionDescription(offer);
  const sections = session.media.map((media, at) =>
    at === layout.audioIndex
      ? `${described(media)}: taken, ${codec.name}`
      : `${described(media)}: refused, port 0`,
  );
  const details: Record<string, ExplainedValue> = {
    ...{ kind: 'phone', codec: codec.name, keyPresses: events === null ? 'SIP INFO' : 'telephone-event' },
    ...{ direction: localDirection(agreement), sections, address },
    encryption: agreement.srtp?.suite.name ?? 'none',
    ports: `${String(config.rtp.ports.from)}-${String(config.rtp.ports.to)}`,
    sendsTo: remoteRtp === null ? null : `${remoteRtp.address} ${String(remoteRtp.port)}`,
  };
  const where = remoteRtp === null ? 'to wherever its RTP comes from' : `to ${remoteRtp.address}`;
  const text = `a phone: ${codec.name}, our RTP goes ${where}, it is told ${address}`;
  const description = formatAnswer(agreement, { address, rtpPort, sessionId: '0', srtpKeys: noKeys }, 1);
  return { step: { ...passed('media', text, details), hint: addressHint(address) }, description };
}

/** Each call makes keys of its own: zeros stand for them. */
const noKeys: SrtpKeys = {
  keyFor: (suite) => ({ suite, keyAndSalt: Buffer.alloc(masterLength(suite)) }),
};

/** Throws SdpRefusal. */
function endpointFor(
  addressType: 'IP4' | 'IP6' | null,
  { place }: ChosenPlace,
  config: Settings,
): PhoneEndpoint {
  const interfaces = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const [first, ...others] = sipPlaces(config);
  const all = allPhoneEndpoints(mediaAddressOf(first), others.map(mediaAddressOf), interfaces);
  const found = endpointsFrom(all, place.host).find(
    ({ bindAddress }) => addressType === null || addressTypeOf(bindAddress) === addressType,
  );
  if (found !== undefined) return found;
  throw new SdpRefusal(
    'no-common-codec',
    `the media is in ${String(addressType)}, where the gateway has no address`,
  );
}

function addressTold(endpoint: PhoneEndpoint, source: string | null, { advertise }: Settings): string {
  const own = source === null ? null : new AdvertisedAddresses(advertise).mediaAddressFor(source);
  return own !== null && addressTypeOf(own) === addressTypeOf(endpoint.bindAddress)
    ? own
    : endpoint.advertisedAddress;
}

function addressHint(address: string): string | null {
  return /^(?:127\.|::1$)/.test(address)
    ? 'Nobody but this machine can send audio there: `sip.host`, `sip.listen`, `publicIp` and `advertise` say which address callers are told.'
    : null;
}

function browserOutlook(offer: string, { browser }: Settings): MediaOutlook {
  const session = parseSessionDescription(offer);
  const { sections } = answerOffer(newBrowserSections('0'), session, {
    ...{
      wanted: [],
      maxSections: browser.maxSections,
      videoCodecs: browser.videoCodecs,
      newSsrc: () => 1,
      dataChannels: false,
      alternating: null,
    },
  });
  const told = session.media.map((media, at) => {
    const section = sections[at];
    if (section === undefined || section.rejected) return `${described(media)}: refused`;
    const [first] = section.codecs;
    return `${described(media)}: taken${first === undefined ? '' : `, ${first.codec.name}`}`;
  });
  const text =
    'a browser: ICE and DTLS; the answer has candidates and a fingerprint that are made for each call';
  return { step: passed('media', text, { kind: 'browser', sections: told }), description: null };
}

/** What FreeSWITCH can is its own to say. */
function throughFreeSwitch(offer: string): Step {
  const text = 'a phone: its audio goes through FreeSWITCH, which chooses the codec and makes the answer';
  return noted('media', text, { kind: 'phone', sections: sectionsOf(offer) });
}

function sectionsOf(offer: string): string[] {
  try {
    return parseSessionDescription(offer).media.map((media) =>
      media.fault === undefined ? described(media) : `${described(media)}: ${media.fault}`,
    );
  } catch (error) {
    if (error instanceof SdpRefusal) return [];
    throw error;
  }
}

const maxNamed = 20;

function described(media: MediaDescription): string {
  const named = rtpMaps(media).map(
    ({ encodingName, clockRateHz }) => `${encodingName}/${String(clockRateHz)}`,
  );
  const more = named.length > maxNamed ? ', …' : '';
  const codecs = named.length === 0 ? '' : ` (${named.slice(0, maxNamed).join(', ')}${more})`;
  return `${media.kind} ${String(media.port)} ${media.protocol}${codecs}`;
}
