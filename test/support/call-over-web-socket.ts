/** One INVITE without a session description over a WebSocket, as a browser sends it (RFC 7118). */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';

export interface WebSocketCall {
  readonly user: string;
  /** Header fields of the INVITE beside what each has. */
  readonly fields?: readonly string[];
  /** Header fields of the WebSocket's upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Resolves with the start line of the final response; the connection is gone then. */
export async function callOverWebSocket(
  httpPort: number,
  { user, fields = [], headers = {} }: WebSocketCall,
): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/sip`, 'sip', { headers });
  try {
    await once(socket, 'open');
    const answered = new Promise<string>((resolve) => {
      socket.on('message', (data: RawData) => {
        const [startLine = ''] = (data as Buffer).toString('utf8').split('\r\n', 1);
        if (!startLine.includes(' 100 ')) resolve(startLine);
      });
    });
    const invite = [
      `INVITE sip:${user}@gateway.example SIP/2.0`,
      `Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK${randomUUID()};rport`,
      'Max-Forwards: 70',
      'From: <sip:browser@browser.invalid>;tag=1',
      `To: <sip:${user}@gateway.example>`,
      `Call-ID: ${randomUUID()}`,
      'CSeq: 1 INVITE',
      'Contact: <sip:browser@browser.invalid;transport=ws>',
      ...fields,
      'Content-Length: 0',
    ];
    socket.send(`${invite.join('\r\n')}\r\n\r\n`);
    return await answered;
  } finally {
    socket.terminate();
  }
}
