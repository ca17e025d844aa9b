// A Bandwidth voice app: set its URL as the application's call-initiated callback, and as its status callback.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const { eventType, callId } = JSON.parse(body);
  if (eventType !== 'initiate') return undefined;
  const { instructions } = await transfer('bandwidth', callId);
  return instructions.bandwidth;
});
