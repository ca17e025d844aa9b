import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { RequestTurns } from './request-turns.js';

let served: string[];
let turns: RequestTurns;
const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  // Its own: what another test left waiting is served in its time.
  const own: string[] = [];
  served = own;
  turns = new RequestTurns(3, (request) => own.push(request.url ?? ''));
});

function ask(address: string, ...urls: readonly string[]): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  for (const url of urls) {
    const request = Object.assign(new IncomingMessage(socket), { url });
    turns.take(request, new ServerResponse(request));
  }
  return socket;
}

describe('Requests that come in one turn', () => {
  it('are served at once while they are few', async () => {
    ask('192.0.2.1', 'a', 'b', 'c');
    expect(served).toEqual(['a', 'b', 'c']);
    await turn();
    ask('192.0.2.1', 'd');
    expect(served).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are served a few in each turn where they are many, in their order', async () => {
    ask('192.0.2.1', ...'abcdefgh');
    expect(served).toHaveLength(3);
    await turn();
    expect(served).toHaveLength(6);
    ask('192.0.2.1', 'i');
    expect(served).toHaveLength(6);
    await turn();
    await turn();
    expect(served).toEqual([...'abcdefghi']);
  });

  it('of one address wait behind no more than one each of every other address', async () => {
    ask('192.0.2.1', ...'abcdefghijklmnop');
    ask('192.0.2.2', '1', '2');
    await turn();
    expect(served.slice(3)).toEqual(['d', '1', 'e']);
    await turn();
    expect(served.slice(6)).toEqual(['2', 'f', 'g']);
  });

  it('are not served where the client has gone, and take nobody’s turn', async () => {
    ask('192.0.2.1', ...'abc');
    ask('192.0.2.1', ...'defg').destroy();
    ask('192.0.2.2', 'x');
    await turn();
    expect(served).toEqual(['a', 'b', 'c', 'x']);
  });
});
