/** A call through a real Kamailio that stays in it by Record-Route, to the gateway by each of its ways. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { PhoneCall } from '../../src/softphone/phone-call.js';
import { TestAuthority, type CertificateFilePair } from '../support/certificates.js';
import { callGateway } from '../support/gateway-phone.js';
import { describeWithKamailio, Kamailio } from '../support/kamailio.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const ways = ['udp', 'tcp', 'tls'] as const;

describeWithKamailio('a call through Kamailio', () => {
  let authority: TestAuthority;
  let files: CertificateFilePair;
  let gateway: TestGateway;
  let kamailio: Kamailio | null = null;
  const calls: PhoneCall[] = [];

  beforeAll(async () => {
    authority = await TestAuthority.open();
    files = await authority.write('main', await authority.issue({ names: ['127.0.0.1', 'localhost'] }));
    gateway = await TestGateway.start({
      environment: {
        LANDBRIDGE_TLS_CERT: files.cert,
        LANDBRIDGE_TLS_KEY: files.key,
        LANDBRIDGE_TLS_HTTP: 'false',
        LANDBRIDGE_TLS_VERIFY_SERVERS: 'false',
      },
    });
  });
  afterEach(async () => {
    for (const call of calls.splice(0)) await call.hangUp();
    await kamailio?.stop();
    kamailio = null;
  });
  afterAll(async () => {
    await gateway.stop();
    await authority.remove();
  });

  async function call(
    way: (typeof ways)[number],
    toneHz: number,
  ): Promise<{ made: PhoneCall; participantId: string }> {
    const port = way === 'tls' ? gateway.sipTlsPort : gateway.sipPort;
    kamailio ??= await Kamailio.start({
      ...files,
      nextHop: `sip:127.0.0.1:${String(port)};transport=${way}`,
    });
    const { rest } = gateway;
    const { id, token } = await rest.newcomer(await rest.createSession());
    const made = await callGateway(gateway, token, {
      uri: `sip:join@127.0.0.1:${String(kamailio.sipPort)}`,
      toneHz,
    });
    calls.push(made);
    await waitFor('the call is established', async () =>
      (await rest.legs()).some(({ participantId, state }) => participantId === id && state === 'established'),
    );
    return { made, participantId: id };
  }

  it.each(ways)('over %s is acknowledged, and hung up by the phone', async (way) => {
    const { made, participantId } = await call(way, 440);
    await made.hangUp();
    expect(await made.ended).toMatchObject({ by: 'local' });
    await waitFor('the leg is gone', async () =>
      (await gateway.rest.legs()).every((leg) => leg.participantId !== participantId),
    );
  });

  it.each(ways)('over %s is hung up by the gateway, by way of Kamailio', async (way) => {
    const { made, participantId } = await call(way, 440);
    await gateway.rest.done('DELETE', `/participants/${participantId}`);
    expect(await made.ended).toMatchObject({ by: 'remote' });
  });
});
