// A Telnyx TeXML app: set its URL as the TeXML application's voice URL.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const call = new URLSearchParams(body);
  const { instructions } = await transfer('telnyx', call.get('CallSid'));
  return instructions['telnyx'];
});
