// A Twilio voice app: set its URL as the number's “A call comes in” webhook.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const call = new URLSearchParams(body);
  const { instructions } = await transfer('twilio', call.get('CallSid'));
  return instructions['twilio'];
});
