/** Asterisk and FreeSWITCH ask no one: their dialplans are written here for a transfer, to be put where they belong. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import { credentialHeaders } from './sip-headers.js';
import { element, formatXml } from './xml.js';

/** For extensions.conf, with a PJSIP endpoint `landbridge`. A semicolon would begin a comment. */
export function formatAsteriskDialplan(target: TransferTarget): Instruction {
  const headers = Object.entries(credentialHeaders(target));
  const set = ([name, value]: readonly [string, string]) =>
    `Set(PJSIP_HEADER(add,${name})=${escapeDialplan(value)})`;
  const lines = [
    '[landbridge-headers]',
    ...headers.map((header, index) => `${index === 0 ? 'exten => add,1,' : ' same => n,'}${set(header)}`),
    ' same => n,Return()',
    '',
    '[landbridge]',
    `exten => _X.,1,Dial(PJSIP/landbridge/${escapeDialplan(target.sipUri)},${target.timeoutSeconds},b(landbridge-headers^add^1))`,
    ' same => n,Hangup()',
  ];
  return { contentType: 'text/plain', body: `${lines.join('\n')}\n` };
}

/** For a context of the dialplan. A comma in a value would begin another variable. */
export function formatFreeSwitchDialplan(target: TransferTarget): Instruction {
  const variables = Object.entries(credentialHeaders(target)).map(
    ([name, value]) => `sip_h_${name}=${value.replaceAll(/[\\,']/g, (character) => `\\${character}`)}`,
  );
  const timeout = `originate_timeout=${target.timeoutSeconds}`;
  const address = target.sipUri.replace(/^sip:/, '');
  return {
    contentType: 'application/xml',
    body: formatXml(
      element(
        'extension',
        { name: 'landbridge' },
        element(
          'condition',
          { field: 'destination_number', expression: '^(.+)$' },
          element('action', { application: 'set', data: 'hangup_after_bridge=true' }),
          element('action', {
            application: 'bridge',
            data: `{${[...variables, timeout].join(',')}}sofia/external/${address}`,
          }),
        ),
      ),
    ),
  };
}

function escapeDialplan(value: string): string {
  return value.replaceAll(/[\\;]/g, (character) => `\\${character}`);
}
