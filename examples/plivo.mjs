// A Plivo voice app: set its URL as the application's answer URL.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const call = new URLSearchParams(body);
  const { instructions } = await transfer('plivo', call.get('CallUUID'));
  return instructions['plivo'];
});
