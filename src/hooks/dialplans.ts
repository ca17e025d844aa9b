/** Asterisk and FreeSWITCH call no webhook: for a transfer they are given the lines of a dialplan. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import { credentialHeaders } from './sip-headers.js';
import { element, formatXml } from './xml.js';

/** Lines for extensions.conf, with a PJSIP endpoint `landbridge`. Semicolons are escaped: they would begin a comment. */
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

/** An extension for a context of the dialplan. Commas in values are escaped: they would begin another variable. */
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
