/** Offers that meet an open one of ours within a call, or come in the place of a lost ACK. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { DomainFixture } from '../../../test/support/domain-fixture.js';
import { MediaRefusal } from '../../domain/media-plane.js';
import { offer, Request, Response, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';

const collision = {
  status: 491,
  options: { headers: { Reason: 'SIP;cause=491;text="request-pending"' } },
};

describe('a SIP call', () => {
  let stage: SipCallStage;
  let domain: DomainFixture;
  beforeEach(async () => {
    stage = await SipCallStage.open();
    ({ domain } = stage);
  });

  /** Answered, but not acknowledged. */
  async function unconfirmed(body: string) {
    const { token } = await stage.newCaller();
    const call = stage.newCall({ 'User-to-User': token }, body);
    void call.call.run();
    await settle();
    await call.confirm();
    return call;
  }

  function send(
    call: { dialog: Awaited<ReturnType<typeof unconfirmed>>['dialog'] },
    method: string,
    body: string,
  ) {
    const response = new Response();
    call.dialog.emit(method === 'INVITE' ? 'modify' : 'update', new Request(method, {}, body), response);
    return settle().then(() => response);
  }

  it.each([
    ['without offer', ''],
    ['with one', offer],
  ])('whose first ACK is lost goes on with the next INVITE: the first was %s', async (_, body) => {
    const call = await unconfirmed(body);
    const response = await send(call, 'INVITE', offer);
    expect(response.sent).toMatchObject([{ status: 200, options: { body: `answer to ${offer}` } }]);
    expect(domain.ofType('participant.joined')).toHaveLength(1);
    const log = domain.media.legs[0]?.log.filter((line) => /^(?:rollback|answer|accept)/.test(line));
    expect(log).toEqual([...(body === '' ? ['rollback'] : []), `answer ${offer}`]);
    call.dialog.emit('ack', new Request('ACK'));
    await settle();
    expect(call.dialog.byes).toEqual([]);
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('whose first ACK is lost makes its offer anew where the next INVITE has none, either', async () => {
    const call = await unconfirmed('');
    expect((await send(call, 'INVITE', '')).sent).toMatchObject([
      { status: 200, options: { body: 'offer of ours' } },
    ]);
    call.dialog.emit('ack', new Request('ACK', {}, 'their answer'));
    await settle();
    expect(domain.media.legs[0]?.log).toContain('accept their answer');
    expect(domain.ofType('participant.joined')).toHaveLength(1);
  });

  it('says 491 at once to an UPDATE with an offer while the answer to ours is to come in an ACK', async () => {
    const call = await unconfirmed('');
    expect((await send(call, 'UPDATE', offer)).sent).toMatchObject([collision]);
    call.dialog.emit('ack', new Request('ACK', {}, 'their answer'));
    await settle();
    expect((await send(call, 'UPDATE', offer)).status).toBe(200);
    await send(call, 'INVITE', '');
    expect((await send(call, 'UPDATE', offer)).sent).toMatchObject([collision]);
    expect((await send(call, 'UPDATE', '')).status).toBe(200);
  });

  it('causes so many lines in the log by offers that are refused, and one of how many more there were', async () => {
    const call = await stage.established();
    call.media.connection('main').answer = () => Promise.reject(new MediaRefusal('bad-sdp', 'no audio'));
    for (let nth = 0; nth < 25; nth += 1) expect((await send(call, 'INVITE', offer)).status).toBe(400);
    expect(stage.lines.filter((line) => line === 'refused a new offer')).toHaveLength(10);
    domain.clock.advance(10_000);
    expect(stage.lines.at(-1)).toBe('refused more new offers');
  });

  it.each(['INVITE', 'UPDATE'])(
    'says 491 at once to %s with an offer while its own waits for its answer',
    async (method) => {
      const call = await stage.established();
      call.media.listener.onNegotiationNeeded('main');
      await settle();
      expect(call.dialog.reinvites).toHaveLength(1);
      expect((await send(call, method, offer)).sent).toMatchObject([collision]);
    },
  );
});
