/** Settings of how calls find their way: transfers and numbers. */
import * as z from 'zod';
import { isKnownCountry } from '../phone-numbers/e164.js';
import { count, group, seconds, webUrl } from './schema-parts.js';

export const callsGroups = {
  transfers: group('Transfers of phone calls', {
    sipAddress: z
      .string()
      .regex(
        /^(?:[A-Za-z0-9.-]{1,100}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/,
        'must be a host, or host:port',
      )
      .optional()
      .meta({
        description: 'Host and port that voice platforms send calls to, like `gw.example.com:5060`.',
        defaultText:
          '`publicIp` or `sip.host`, and the SIP port; an address of `sip.listen` where more can reach that',
      }),
    sipTransport: z
      .enum(['udp', 'tcp', 'tls'])
      .optional()
      .meta({ description: 'How they are to send it.', defaultText: 'each platform’s own choice' }),
    ringSeconds: z.int().min(5).max(300).default(30).describe('How long a platform waits for our answer.'),
    ttlSeconds: seconds
      .default(3600)
      .describe('How long the token of `POST /transfers` works, unless the request says.'),
    hookTtlSeconds: seconds
      .default(120)
      .describe('How long the token in the answer of a hook works. The call follows at once.'),
    telnyxApiUrl: webUrl
      .default('https://api.telnyx.com')
      .describe('Where orders for Telnyx Call Control go.'),
  }),

  numbers: group('Numbers', {
    defaultCountry: z
      .string()
      .regex(/^[A-Z]{2}$/, { error: 'must be two capital letters (ISO 3166)', abort: true })
      .refine(isKnownCountry, 'must be a country (ISO 3166) like US, with numbers of its own')
      .optional()
      .meta({
        description: 'Country of numbers in national form.',
        defaultText: 'none: numbers are international',
      }),
    maxPinsPerNumber: count.default(10_000).describe('PINs of one number.'),
    maxWrongPinsPerCaller: count
      .default(5)
      .describe('Wrong PINs per minute of one caller to one number before none of it are looked up.'),
    maxWrongPinsOverAllNumbers: count.default(20).describe('The same of one caller to all numbers together.'),
    maxWrongPinsPerAddress: count
      .default(300)
      .describe(
        'The same from one address, to all numbers and in whatever name, of calls over SIP without a platform: a carrier’s has many callers.',
      ),
    maxWrongPinsPerNumber: count
      .default(60)
      .describe(
        'Wrong PINs per minute of all callers to a number together; above it each PIN waits for its turn.',
      ),
    pinWaitSeconds: seconds
      .max(60)
      .default(5)
      .describe(
        'A caller who would wait longer than this is told to try later. Who gave the right PIN the last time does not wait for others.',
      ),
    maxCallers: count.default(10_000).describe('Callers whose wrong PINs are remembered.'),
    pinTries: count
      .default(3)
      .describe('Wrong PINs in one SIP call without a platform before the gateway ends it.'),
    pinTimeoutSeconds: seconds
      .default(60)
      .describe('A caller who has keyed in no right PIN by then is not waited for, in such a call.'),
    applicationTimeoutSeconds: seconds
      .default(5)
      .describe('An application that has not said by then where a call goes is not waited for.'),
  }),
};
