// A Vonage voice app: set its URL as the application's answer URL (GET).
import { serve, transfer } from './landbridge.mjs';

serve(async ({ url }) => {
  const { instructions } = await transfer('vonage', url.searchParams.get('uuid'));
  return instructions['vonage'];
});
