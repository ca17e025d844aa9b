// What every example here shares: asking Landbridge for a transfer, and a web server that answers with it.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const { LANDBRIDGE = 'http://127.0.0.1:8080', ACCOUNT = 'local', USERNAME = 'local' } = process.env;
const { PASSWORD = '', SESSION_ID = '', PORT = '3000' } = process.env;

/** Puts the caller of this call into the session SESSION_ID; asked again for the same call, it answers the same. */
export async function transfer(platform, callId) {
  const response = await fetch(`${LANDBRIDGE}/v1/accounts/${ACCOUNT}/transfers`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${USERNAME}:${PASSWORD}`)}`,
      'content-type': 'application/json',
      'idempotency-key': callId,
    },
    body: JSON.stringify({ sessionId: SESSION_ID, voiceCallId: callId, platform }),
  });
  if (!response.ok) throw new Error(`Landbridge answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Answers each request with what `answer` makes of it: `{ contentType, body }`, or nothing. */
export function serve(answer) {
  const server = createServer(async (request, response) => {
    try {
      const url = new URL(request.url, 'http://localhost');
      const instruction = await answer({ url, body: await text(request) });
      if (instruction === undefined) response.writeHead(204).end();
      else response.writeHead(200, { 'content-type': instruction.contentType }).end(instruction.body);
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  });
  server.listen(Number(PORT), () => console.log(`listening on port ${server.address().port}`));
}
