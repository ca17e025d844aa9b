// A jambonz app: set its URL as the application's calling webhook.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ body }) => {
  const call = JSON.parse(body);
  const { instructions } = await transfer('jambonz', call.call_sid);
  return instructions['jambonz'];
});
