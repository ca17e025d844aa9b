// A SignalWire app in SWML: set its URL as the number's external SWML handler.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const { call } = JSON.parse(body);
  const { instructions } = await transfer('signalwire', call.call_id);
  return instructions['signalwire'];
});
