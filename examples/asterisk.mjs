// Tells Asterisk's dialplan (asterisk-extensions.conf) the join code of its call.
import { serve, transfer } from './landbridge.mjs';

serve(async ({ url }) => {
  const { joinCode } = await transfer('asterisk', url.searchParams.get('call'));
  return { contentType: 'text/plain', body: joinCode };
});
