import { beforeEach, describe, expect, it } from 'vitest';
import type { DomainFixture } from '../../../test/support/domain-fixture.js';
import { offer, Request, Response, settle, SipCallStage } from '../../../test/support/sip-call-stage.js';

/** What a call does with the bodies of its requests. */
/** A description beside the ISUP of the call. */
const withIsup = (description: string): string =>
  [
    '--b\r\nContent-Type: application/isup\r\nContent-Disposition: signal;handling=optional\r\n\r\n\u0001\u0000I',
    `--b\r\nContent-Type: application/sdp\r\n\r\n${description}`,
    '--b--\r\n',
  ].join('\r\n');
const multipart = { 'Content-Type': 'multipart/mixed;boundary=b' };

describe('a SIP call', () => {
  let stage: SipCallStage;
  let domain: DomainFixture;
  beforeEach(async () => {
    stage = await SipCallStage.open();
    ({ domain } = stage);
  });
  const newCall: SipCallStage['newCall'] = (...parameters) => stage.newCall(...parameters);
  const newCaller: SipCallStage['newCaller'] = () => stage.newCaller();
  const established: SipCallStage['established'] = (body) => stage.established(body);
  const expectNothingLeft: SipCallStage['expectNothingLeft'] = (call) => stage.expectNothingLeft(call);

  it('whose offer stands among other parts is answered, in INVITE, re-INVITE and UPDATE', async () => {
    const { token } = await newCaller();
    const call = newCall({ 'User-to-User': token, ...multipart }, withIsup(offer));
    void call.call.run();
    await settle();
    expect(call.response.sent).toMatchObject([{ status: 200, options: { body: `answer to ${offer}` } }]);
    await call.confirm();
    call.dialog.emit('ack', new Request('ACK'));
    for (const [event, method] of [
      ['modify', 'INVITE'],
      ['update', 'UPDATE'],
    ] as const) {
      const response = new Response();
      call.dialog.emit(event, new Request(method, { ...multipart }, withIsup(offer)), response);
      await settle();
      expect(response.sent).toMatchObject([{ status: 200, options: { body: `answer to ${offer}` } }]);
    }
  });

  it('without offer takes the answer out of an ACK of several parts, the first and later ones', async () => {
    const { token } = await newCaller();
    const call = newCall({ 'User-to-User': token }, '');
    void call.call.run();
    await settle();
    await call.confirm();
    call.dialog.emit('ack', new Request('ACK', { ...multipart }, withIsup('their answer')));
    await settle();
    expect(domain.ofType('participant.joined')).toHaveLength(1);
    call.dialog.emit('modify', new Request('INVITE'), new Response());
    await settle();
    call.dialog.emit('ack', new Request('ACK', { ...multipart }, withIsup('their next answer')));
    await settle();
    const [{ log } = { log: [] }] = domain.media.legs;
    expect(log).toContain('accept their answer');
    expect(log).toContain('accept their next answer');
  });

  it.each([
    ['is alone', { 'Content-Type': 'application/isup' }, 'I'],
    ['is among other parts', multipart, '--b\r\nContent-Type: application/isup\r\n\r\nI\r\n--b--\r\n'],
  ])('with a body that is not understood and %s is refused with 415 and Accept', async (_, type, body) => {
    const refusal = {
      status: 415,
      options: {
        headers: {
          Accept: 'application/sdp, multipart/mixed',
          Reason: 'SIP;cause=415;text="unsupported-body"',
        },
      },
    };
    const { token } = await newCaller();
    const call = newCall({ 'User-to-User': token, ...type }, body);
    await call.call.run();
    expect(call.response.sent).toMatchObject([refusal]);
    expect(domain.media.legs).toHaveLength(0);
    await expectNothingLeft(call);

    const { dialog } = await established();
    const responses = { modify: new Response(), update: new Response() };
    dialog.emit('modify', new Request('INVITE', type, body), responses.modify);
    dialog.emit('update', new Request('UPDATE', type, body), responses.update);
    await settle();
    expect(responses.modify.sent).toMatchObject([refusal]);
    expect(responses.update.sent).toMatchObject([refusal]);
  });

  it('with a body that need not be understood is one without offer', async () => {
    const { token } = await newCaller();
    const headers = { 'Content-Type': 'application/isup', 'Content-Disposition': 'signal;handling=optional' };
    const call = newCall({ 'User-to-User': token, ...headers }, 'I');
    void call.call.run();
    await settle();
    expect(call.response.sent).toMatchObject([{ status: 200, options: { body: 'offer of ours' } }]);
  });
});
