// A Telnyx Call Control app: set its URL as the connection's webhook. The answer is an order to Telnyx's API.
import { serve, transfer } from './landbridge.mjs';

const { TELNYX = 'https://api.telnyx.com', TELNYX_API_KEY = '' } = process.env;

serve(async ({ body }) => {
  const { event_type: event, payload: call } = JSON.parse(body).data;
  if (event !== 'call.initiated' || call.direction !== 'incoming') return undefined;
  const { id, instructions } = await transfer('telnyx-call-control', call.call_control_id);
  const order = { ...JSON.parse(instructions['telnyx-call-control'].body), command_id: id };
  await fetch(`${TELNYX}/v2/calls/${encodeURIComponent(call.call_control_id)}/actions/transfer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TELNYX_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  return undefined;
});
