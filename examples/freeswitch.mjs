// A dialplan for FreeSWITCH's mod_xml_curl: set its URL as the binding for `dialplan`.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const call = new URLSearchParams(body);
  const { instructions } = await transfer('freeswitch', call.get('Unique-ID'));
  const extension = instructions.freeswitch.body.replace(/^<\?xml[^>]*>\s*/, '');
  return {
    contentType: 'application/xml',
    body: `<document type="freeswitch/xml"><section name="dialplan"><context name="default">${extension}</context></section></document>`,
  };
});
