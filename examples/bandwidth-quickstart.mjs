// Bandwidth's WebRTC quickstart, from a number to a conference, as its users wrote it: nothing but the base URL has changed.
// The number's callbacks come to /callbacks; a browser gets its token for the same conference at /token.
import webrtc from '@bandwidth/webrtc';
import { serve } from './landbridge.mjs';

const { LANDBRIDGE = 'http://127.0.0.1:8080', SIP_URI = 'sip:join@127.0.0.1:5060' } = process.env;
const { ACCOUNT = 'local', USERNAME = 'local', PASSWORD = '' } = process.env;

const client = new webrtc.Client({
  environment: webrtc.Environment.Custom,
  baseUrl: `${LANDBRIDGE}/v1`,
  basicAuthUserName: USERNAME,
  basicAuthPassword: PASSWORD,
});
const api = new webrtc.ApiController(client);
let conference;

/** The token of a new member of the conference, who hears everybody in it. */
async function join(publishPermissions, tag) {
  conference ??= api.createSession(ACCOUNT, { tag: 'quickstart' });
  const { id: sessionId } = (await conference).result;
  const { result } = await api.createParticipant(ACCOUNT, {
    publishPermissions,
    tag,
    deviceApiVersion: 'V3',
  });
  await api.addParticipantToSession(ACCOUNT, sessionId, result.participant.id, { sessionId });
  return result.token;
}

serve(async ({ url, body }) => {
  if (url.pathname === '/token') {
    return {
      contentType: 'application/json',
      body: JSON.stringify({ token: await join(['AUDIO'], 'browser') }),
    };
  }
  const { eventType, callId } = JSON.parse(body);
  if (eventType !== 'initiate') return undefined;
  const token = await join(['AUDIO'], 'phone');
  return {
    contentType: 'application/xml',
    body: webrtc.ApiController.generateTransferBxml(token, callId, SIP_URI),
  };
});
