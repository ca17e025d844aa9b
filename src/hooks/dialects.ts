/** Every platform by its name: those that call our hooks, and those that only take a transfer's instructions. */
import type { Instruction, TransferDialects, TransferTarget } from '../domain/transfers/transfer.js';
import { bandwidth, formatBandwidthAnswer } from './bandwidth.js';
import type { Credentials, HookDialect } from './dialect.js';
import { formatAsteriskDialplan, formatFreeSwitchDialplan } from './dialplans.js';
import { formatJambonzAnswer, jambonz } from './jambonz.js';
import { formatPlivoAnswer, plivo } from './plivo.js';
import { formatSwmlAnswer, signalwire } from './signalwire.js';
import { formatCallControlAnswer, formatTexmlAnswer, telnyx } from './telnyx.js';
import { formatTwilioAnswer, twilio } from './twilio.js';
import { formatVonageAnswer, vonage } from './vonage.js';

export const hookDialects: ReadonlyMap<string, HookDialect> = new Map(
  [bandwidth, twilio, signalwire, telnyx, vonage, plivo, jambonz].map((dialect) => [
    dialect.platform,
    dialect,
  ]),
);

const formats: Readonly<Record<string, (target: TransferTarget) => Instruction>> = {
  bandwidth: (target) => formatBandwidthAnswer(target),
  twilio: formatTwilioAnswer,
  signalwire: formatSwmlAnswer,
  telnyx: formatTexmlAnswer,
  'telnyx-call-control': formatCallControlAnswer,
  vonage: formatVonageAnswer,
  plivo: formatPlivoAnswer,
  jambonz: formatJambonzAnswer,
  asterisk: formatAsteriskDialplan,
  freeswitch: formatFreeSwitchDialplan,
};

export const transferDialects: TransferDialects = {
  platforms: Object.keys(formats),
  format(platform, target) {
    const format = formats[platform];
    if (format === undefined) throw new RangeError(`${platform} is no known platform`);
    return format(target);
  },
};

const maxCredential = 1024;

/** Says what is wrong with the credentials for a platform's hook, without their values; null where they will do. */
export function credentialsProblem(platform: string, credentials: Credentials): string | null {
  const dialect = hookDialects.get(platform);
  if (dialect === undefined) return `platform: must be one of ${[...hookDialects.keys()].join(', ')}`;
  const unknown = Object.keys(credentials).find(
    (name) => !dialect.credentials.some((field) => field.name === name),
  );
  if (unknown !== undefined) {
    const known = dialect.credentials.map(({ name }) => name).join(', ');
    return `credentials.${unknown}: is not known to ${platform}, whose credentials are ${known}`;
  }
  for (const { name, isRequired, form, description } of dialect.credentials) {
    const value = credentials[name];
    if (value === undefined || value === '') {
      if (isRequired) return `credentials.${name}: is missing. ${description}`;
    } else if (value.length > maxCredential || (form !== undefined && !form.test(value))) {
      return `credentials.${name}: cannot be used. ${description}`;
    }
  }
  return null;
}
