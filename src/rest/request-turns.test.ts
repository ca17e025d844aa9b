import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientAddressBehind } from './client-address.js';
import { RequestTurns } from './request-turns.js';

let served: string[];
let turns: RequestTurns;
const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  // Its own: what another test left waiting is served in its time.
  const own: string[] = [];
  served = own;
  const clientAddress = clientAddressBehind(['192.0.2.80']);
  turns = new RequestTurns({ perTurn: 3, clientAddress }, (request) => own.push(request.url ?? ''));
});

function ask(address: string, ...urls: readonly string[]): Socket {
  return forwarded(address, null, ...urls);
}

/** Through a proxy of that address, which says for whom; null: it says nothing. */
function forwarded(address: string, client: string | null, ...urls: readonly string[]): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  for (const url of urls) {
    const request = Object.assign(new IncomingMessage(socket), { url });
    if (client !== null) request.headers['x-forwarded-for'] = client;
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

  it('through a trusted proxy wait behind those of their own client alone', async () => {
    forwarded('192.0.2.80', '198.51.100.1', ...'abcdefghij');
    forwarded('192.0.2.80', '198.51.100.2', '1', '2');
    await turn();
    expect(served.slice(3)).toEqual(['d', '1', 'e']);
  });

  it.each([
    ['a proxy that is not trusted', '192.0.2.81', (at: number) => `198.51.100.${at}`],
    ['clients of one IPv6 network', '192.0.2.80', (at: number) => `2001:db8::${at}`],
    ['one client that invents those before it', '192.0.2.80', (at: number) => `10.0.0.${at}, 198.51.100.9`],
    ['a proxy that forwards what is no address', '192.0.2.80', (at: number) => `unknown${at}`],
  ])('of %s are those of one address', async (_, proxy, client) => {
    for (const [at, url] of [...'abcdefgh'].entries()) forwarded(proxy, client(at), url);
    ask('192.0.2.1', '1');
    await turn();
    expect(served.slice(3)).toEqual(['d', '1', 'e']);
  });

  it('are not served where the client has gone, and take nobody’s turn', async () => {
    ask('192.0.2.1', ...'abc');
    ask('192.0.2.1', ...'defg').destroy();
    ask('192.0.2.2', 'x');
    await turn();
    expect(served).toEqual(['a', 'b', 'c', 'x']);
  });
});
