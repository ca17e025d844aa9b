/** Plivo: forms in, Plivo XML out. Its SIP headers carry letters and digits alone, so a join code and never a JWT. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import { maxPinDigits, pinTimeoutSeconds, type HookDialect, type Verdict } from './dialect.js';
import { readFormCall } from './form-call.js';
import type { Field } from './hook-request.js';
import { hmac, isSame } from './proof.js';
import { codeUri, safeCallerId } from './sip-headers.js';
import { element, xmlAnswer } from './xml.js';

/** The header arrives as X-PH-Token; the join code stands in the user part too, for where headers are lost. */
export function formatPlivoAnswer(target: TransferTarget): Instruction {
  return xmlAnswer(
    element(
      'Dial',
      {
        callerId: safeCallerId(target)?.replace(/^\+/, '') ?? null,
        timeout: target.timeoutSeconds,
        ...(target.completeUrl === null ? {} : { action: target.completeUrl, method: 'POST' }),
      },
      element('User', { sipHeaders: `Token=${target.joinCode}` }, codeUri(target)),
    ),
  );
}

export const plivo: HookDialect = {
  platform: 'plivo',
  methods: ['POST', 'GET'],
  credentials: [{ name: 'authToken', isRequired: true, description: 'The auth token of the Plivo account.' }],

  verify({ method, url, query, form, headers }, { authToken = '' }): Verdict {
    const nonce = headers['x-plivo-signature-v3-nonce'] ?? '';
    const given = (headers['x-plivo-signature-v3'] ?? '').split(',').slice(0, 10);
    if (nonce === '') return 'forged';
    const expected = hmac('sha256', authToken, `${signedText(method, url, query, form)}.${nonce}`, 'base64');
    return given.map((signature) => isSame(signature.trim(), expected)).includes(true) ? 'genuine' : 'forged';
  },

  read: (request, place) =>
    readFormCall(request, place, {
      callId: 'CallUUID',
      headerPrefix: 'X-PH-',
      dialStatus: 'DialStatus',
    }),

  answers: () => ({
    transfer: formatPlivoAnswer,
    askPin: ({ text, url }) =>
      xmlAnswer(
        element(
          'GetInput',
          {
            action: url,
            method: 'POST',
            inputType: 'dtmf',
            numDigits: maxPinDigits,
            finishOnKey: '#',
            executionTimeout: 3 * pinTimeoutSeconds,
            digitEndTimeout: pinTimeoutSeconds,
          },
          element('Speak', {}, text),
        ),
        element('Redirect', { method: 'POST' }, url),
      ),
    refuse: (text) => xmlAnswer(element('Speak', {}, text), element('Hangup')),
    finish: () => xmlAnswer(element('Hangup')),
    acknowledge: () => xmlAnswer(),
  }),
};

/** What Plivo signs: `url?query`, sorted, and after a dot the sorted form. A POST without a query keeps its question mark. */
function signedText(method: string, url: string, query: readonly Field[], form: readonly Field[]): string {
  const [base = ''] = url.split('?', 1);
  const queryText = sorted(query)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  if (method === 'GET') return queryText === '' ? base : `${base}?${queryText}`;
  const formText = sorted(form)
    .map(([name, value]) => name + value)
    .join('');
  if (form.length === 0) return queryText === '' ? base : `${base}?${queryText}`;
  return `${base}?${queryText}${queryText === '' ? '' : '.'}${formText}`;
}

function sorted(fields: readonly Field[]): Field[] {
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...fields].sort(([a, x], [b, y]) => order(a, b) || order(x, y));
}
