/** STUN and TURN servers over REST: with a token, and anew. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRestServer, type RestServer } from '../support/rest-server.js';

let server: RestServer;
let bare: RestServer;
const asked: string[] = [];

beforeAll(async () => {
  const iceServers = (accountId: string, participantId: string) => {
    asked.push(accountId);
    return [{ urls: ['turn:turn.example.com'], username: participantId, credential: 'c' }];
  };
  [server, bare] = await Promise.all([startRestServer({ iceServers }), startRestServer()]);
});
afterAll(() => Promise.all([server.close(), bare.close()]));

interface Created {
  readonly participant: { readonly id: string };
  readonly iceServers?: unknown;
}
const create = async (rest: RestServer): Promise<Created> =>
  (await (await rest.request('POST', '/participants', {})).json()) as Created;

describe('a participant’s page', () => {
  it('is told of STUN and TURN servers with its token, and anew whenever it is asked for', async () => {
    const { participant, iceServers } = await create(server);
    const own = [{ urls: ['turn:turn.example.com'], username: participant.id, credential: 'c' }];
    expect(iceServers).toEqual(own);
    const anew = await server.request('GET', `/participants/${participant.id}/ice-servers`);
    expect([anew.status, await anew.json()]).toEqual([200, own]);
    expect(new Set(asked)).toEqual(new Set(['acme']));
    const nobody = await server.request(
      'GET',
      '/participants/7a1c8d0e-2f4b-4c6d-8e9f-00000000000a/ice-servers',
    );
    expect(nobody.status).toBe(404);
  });

  it('is told of none where there are none', async () => {
    const created = await create(bare);
    expect(created).not.toHaveProperty('iceServers');
    const anew = await bare.request('GET', `/participants/${created.participant.id}/ice-servers`);
    expect([anew.status, await anew.json()]).toEqual([200, []]);
  });
});
