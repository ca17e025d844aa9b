/** In what forms calls come, whichever SIP server stands before the door: numbers, tokens, names, timers, and odd ones. */
import { describe, expect, it } from 'vitest';
import { AnsweredCall } from '../integration/drachtio-door.js';
import { audioOffer, sdpType, type RawMessage, type RawSip } from '../support/raw-sip.js';
import { waitFor } from '../support/wait-for.js';
import type { DoorAtHand } from './sip-door-at-hand.js';

const hex = (text: string): string => Buffer.from(text).toString('hex');

interface OddForm {
  readonly what: string;
  readonly pattern: RegExp;
  readonly replacement: string;
  /** Who is behind a drachtio-server hears this status; null: nothing, for any answer would end that server. */
  readonly drachtio: 200 | 400 | null;
}

const from = /^From: <sip:raw@127.0.0.1>/m;
const odd = (what: string, pattern: RegExp, replacement: string, drachtio: OddForm['drachtio']): OddForm => ({
  ...{ what, pattern, replacement, drachtio },
});
/** What our own server takes, and which of it a drachtio-server does not: its parser decides on most, our guard on few. */
const oddForms: readonly OddForm[] = [
  odd('a Call-ID with = # $ & ^ ,', /^(Call-ID: \w+)/m, '$1=#$$&^,', 200),
  odd('a blank behind the request line', /SIP\/2\.0\r\nVia/, 'SIP/2.0 \r\nVia', 200),
  odd('a tab behind the request line', /SIP\/2\.0\r\nVia/, 'SIP/2.0\t\r\nVia', 200),
  odd('Max-Forwards with zeros in front', /^Max-Forwards: 70/m, 'Max-Forwards: 0068', 200),
  odd('UTF-8 in a quoted name', from, 'From: "J\xc3\xb6rg" <sip:raw@127.0.0.1>', 200),
  odd('Latin-1 in a quoted name', from, 'From: "J\xf6rg" <sip:raw@127.0.0.1>', 200),
  odd('a Call-ID with |', /^(Call-ID: \w+)/m, '$1|x', 400),
  odd('Latin-1 in the Call-ID', /^(Call-ID: \w+)/m, '$1\xe9', 400),
  odd('a tag with / and =', /(From: .*tag=\w+)/, '$1/a=b', 400),
  odd('a number sign in the Contact', /<sip:raw@(127.0.0.1:\d+)>/, '<sip:#31#raw@$1>', 400),
  odd('an unquoted comma in From', from, 'From: Doe, John <sip:raw@127.0.0.1>', 400),
  odd('an unquoted comma in To', /^To: </m, 'To: Room, big <', 400),
  odd('a name in quotes about quotes', from, 'From: ""John Doe"" <sip:raw@127.0.0.1>', 400),
  odd('a quote inside a name', from, 'From: John "Joe" Doe <sip:raw@127.0.0.1>', 400),
  odd('Latin-1 in a plain name', from, 'From: J\xf6rg <sip:raw@127.0.0.1>', 400),
  odd('an empty Record-Route', /^Max-Forwards/m, 'Record-Route: \r\nMax-Forwards', 400),
  odd('an empty Route', /^Max-Forwards/m, 'Route:\r\nMax-Forwards', 400),
  odd('an unquoted comma in the Contact', /^Contact: </m, 'Contact: Doe, John <', null),
];

export function sipDoorFormsContract(atHand: DoorAtHand): void {
  const isOver = () => waitFor('the call is over', () => atHand.stage.door.callCount === 0);

  /** An INVITE with these header lines, up to its final response, and where that accepts it up to the end of the call. */
  async function invited(headers: (token: string) => readonly string[], uri?: string): Promise<RawMessage> {
    const agent = await atHand.stage.agent(atHand.port);
    const { token } = await atHand.stage.domain.participant();
    const lines = headers(token);
    agent.send(
      agent.invite({ headers: lines, body: audioOffer(4000), ...(uri === undefined ? {} : { uri }) }),
    );
    const answer = await agent.final('INVITE');
    await ended(agent, answer);
    return answer;
  }

  async function ended(agent: RawSip, answer: RawMessage, cseq = 2): Promise<void> {
    const call = new AnsweredCall(agent, answer);
    call.send('ACK', cseq - 1);
    if (answer.status === 200) {
      call.send('BYE', cseq);
      expect((await agent.finalTo(cseq, 'BYE')).status).toBe(200);
    }
    await isOver();
  }

  describe('a number', () => {
    it.each([
      ['tel:+14158675309', '+14158675309'],
      ['tel:+1-415-867-5309', '+1-415-867-5309'],
      ['tel:8675309;phone-context=+1415', '+14158675309'],
      ['sip:+1-415-867-5309@gateway.example', '+1-415-867-5309'],
      ['sip:+1(415)867.5309@gateway.example;user=phone', '+1(415)867.5309'],
      ['sip:8675309;phone-context=+1415@gateway.example', '+14158675309'],
      ['sip:+14158675309;npdi;rn=+14155550000@gateway.example', '+14158675309'],
      ['sip:0014158675309@gateway.example', '0014158675309'],
      ['sip:01114158675309@gateway.example', '01114158675309'],
      ['sip:%2B14158675309@gateway.example', '+14158675309'],
    ])('that is dialled as %s is looked for', async (uri, dialled) => {
      const answer = await invited(() => [], uri);
      expect(answer.status).toBe(403);
      expect(atHand.stage.dialled).toEqual([dialled]);
    });
  });

  describe('a token in User-to-User is found', () => {
    it.each<[string, (token: string) => readonly string[]]>([
      ['behind a protocol discriminator', (token) => [`User-to-User: 04${hex(token)};encoding=hex`]],
      ['behind another', (token) => [`User-to-User: 00${hex(token)};encoding=hex;pd=00`]],
      ['in quotes', (token) => [`User-to-User: "${token}";encoding=jwt`]],
      [
        'behind somebody’s own value',
        (token) => [`User-to-User: 414343542d3432;encoding=hex,${token};encoding=jwt`],
      ],
      [
        'in the second of two fields',
        (token) => ['User-to-User: 12345;encoding=ascii', `User-to-User: ${token};encoding=jwt`],
      ],
    ])('%s', async (_what, headers) => {
      expect((await invited(headers)).status).toBe(200);
    });

    it.each(['414343542d3432;encoding=hex', '12345;encoding=ascii', '04c80441434354;encoding=hex;pd=04'])(
      'elsewhere where somebody’s own value stands there: %s',
      async (value) => {
        const answer = await invited((token) => [`User-to-User: ${value}`, `X-Token: ${token}`]);
        expect(answer.status).toBe(200);
      },
    );
  });

  describe('who calls', () => {
    const callerOf = () => atHand.stage.domain.ofType('call.arrived')[0]?.data.caller?.number;

    it.each<[string, readonly string[], string | undefined]>([
      ['P-Preferred-Identity alone', ['P-Preferred-Identity: "Ann" <sip:+15551230142@h>'], '+********142'],
      [
        'Remote-Party-ID alone',
        ['Remote-Party-ID: "Ann" <sip:+15551230142@h>;party=calling;privacy=off'],
        '+********142',
      ],
      [
        'a hidden Remote-Party-ID',
        ['Remote-Party-ID: "Ann" <sip:+15551230142@h>;party=calling;privacy=full'],
        undefined,
      ],
      [
        'a hidden Remote-Party-ID beside an asserted identity',
        [
          'Remote-Party-ID: "Ann" <sip:+15551230142@h>;party=calling;privacy=full',
          'P-Asserted-Identity: <sip:+15551230142@h>',
        ],
        undefined,
      ],
      ['an asserted identity in tel:', ['P-Asserted-Identity: <tel:+15551230142>'], '+********142'],
    ])('is read from %s', async (_what, headers, number) => {
      expect((await invited((token) => [...headers, `X-Token: ${token}`])).status).toBe(200);
      expect(callerOf()).toBe(number);
    });
  });

  describe('a session timer', () => {
    const timerOf = async (...headers: readonly string[]): Promise<string | undefined> => {
      const answer = await invited((token) => [`X-Token: ${token}`, 'Supported: timer', ...headers]);
      expect(answer.status).toBe(200);
      return answer.header('Session-Expires');
    };

    it('is not shorter than the phone’s Min-SE', async () => {
      const allow = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE';
      // drachtio-server runs none that the phone does not ask for.
      expect(await timerOf('Min-SE: 3600', allow)).toBe(atHand.isOwn ? '3600;refresher=uas' : undefined);
    });

    it('is ours to refresh where the phone says so, in capitals too', async () => {
      expect(await timerOf('Session-Expires: 1800;refresher=UAS')).toBe('1800;refresher=uas');
    });

    it('is the phone’s to refresh under its compact name, too', async () => {
      const answer = await invited((token) => [
        ...[`X-Token: ${token}`, 'k: timer', 'x: 1800;refresher=uac'],
      ]);
      expect([answer.header('Session-Expires'), answer.header('Require')]).toEqual([
        '1800;refresher=uac',
        'timer',
      ]);
    });

    it.each([
      ['1800', '1800;refresher=uas'],
      ['20', '90;refresher=uas'],
    ])(
      'of %s seconds that a proxy asks for is ours, where the phone does not know timers',
      async (asked, answered) => {
        const answer = await invited((token) => [`X-Token: ${token}`, `Session-Expires: ${asked}`]);
        expect([answer.status, answer.header('Session-Expires')]).toEqual([200, answered]);
        expect(answer.header('Require')).toBeUndefined();
      },
    );

    it('too short is refused with 422 and Min-SE', async () => {
      const answer = await invited((token) => [
        `X-Token: ${token}`,
        'Supported: timer',
        'Session-Expires: 60',
      ]);
      expect([answer.status, answer.header('Min-SE')]).toEqual([422, '90']);
    });

    it.skipIf(atHand.isOwn)(
      'that is ours is kept by the gateway itself, and what the phone answers counts',
      async () => {
        const agent = await atHand.stage.agent(atHand.port);
        const { token } = await atHand.stage.domain.participant();
        const headers = [`X-Token: ${token}`, 'Supported: timer', 'Session-Expires: 90;refresher=uas'];
        agent.send(agent.invite({ headers, body: audioOffer(4000) }));
        const call = new AnsweredCall(agent, await agent.final('INVITE'));
        call.send('ACK', 1);
        await waitFor('it is established', () => atHand.stage.domain.ofType('call.established').length === 1);
        for (const port of [4002, 4004]) {
          agent.received.length = 0;
          // drachtio-server would refresh the call after 40 seconds at the soonest.
          atHand.stage.runOut(30_000);
          const refresh = await call.request('INVITE');
          expect(refresh.header('Session-Expires')).toBe('90;refresher=uac');
          const answer = `${audioOffer(port, '8')}a=sendonly\r\n`;
          agent.answer(
            refresh,
            '200 OK',
            [agent.contact, 'Session-Expires: 90;refresher=uac', sdpType],
            answer,
          );
          await call.request('ACK');
          await waitFor('the media has the answer', () =>
            atHand.stage.domain.media.legs[0]?.log.includes(`accept ${answer}`),
          );
        }
        call.send('BYE', 2);
        expect((await agent.finalTo(2, 'BYE')).status).toBe(200);
        await isOver();
      },
    );
  });

  describe('a request', () => {
    it('OPTIONS with a hop limit of zero is answered', async () => {
      const agent = await atHand.stage.agent(atHand.port);
      agent.send(agent.request('OPTIONS').replace('Max-Forwards: 70', 'Max-Forwards: 0'));
      expect((await agent.final('OPTIONS')).status).toBe(200);
    });

    it('of a method that is refused is none that Allow names', async () => {
      const call = await atHand.stage.call(atHand.port);
      const answer = await call.agent.final('INVITE');
      const allowed = (answer.header('Allow') ?? '').split(/\s*,\s*/);
      expect(allowed).toContain('INVITE');
      for (const [index, method] of ['REFER', 'NOTIFY', 'MESSAGE', 'PUBLISH'].entries()) {
        const headers = [call.agent.contact, 'Refer-To: <sip:x@127.0.0.1>', 'Event: x'];
        call.send(method, index + 2, headers);
        const refusal = await call.agent.finalTo(index + 2, method);
        expect(refusal.status).toBe(405);
        expect(allowed).not.toContain(method);
      }
      call.send('BYE', 9);
      await call.agent.finalTo(9, 'BYE');
      await isOver();
    });

    it('INFO of a type that is not read is refused with 415 and Accept', async () => {
      const call = await atHand.stage.call(atHand.port);
      call.send('INFO', 2, [call.agent.contact, 'Content-Type: application/x-own'], 'x');
      const refusal = await call.agent.finalTo(2, 'INFO');
      expect(refusal.status).toBe(415);
      expect(refusal.header('Accept')).toContain('application/dtmf-relay');
      call.send('BYE', 3);
      await call.agent.finalTo(3, 'BYE');
      await isOver();
    });

    it('BYE says why in its Reason, whatever a text in it looks like', async () => {
      const call = await atHand.stage.call(atHand.port);
      call.send('BYE', 2, ['Reason: SIP;cause=480;text="no, Q.850;cause=99", Q.850;cause=17;text="busy"']);
      await call.agent.finalTo(2, 'BYE');
      await isOver();
      expect(atHand.stage.domain.ofType('call.ended')[0]?.data.outcome).toMatchObject({
        q850Cause: 17,
        text: 'no, Q.850;cause=99',
      });
    });

    it.each([
      ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n'],
      ['application/dtmf-relay', 'Signal="5"\r\nDuration="160"\r\n'],
      ['application/dtmf', '5'],
      ['application/dtmf', 'Signal=5\r\nDuration=160\r\n'],
      ['audio/telephone-event', '5'],
    ])('INFO is a key: %s with %j', async (type, body) => {
      const call = await atHand.stage.call(atHand.port);
      call.send('INFO', 2, [call.agent.contact, `Content-Type: ${type}`], body);
      expect((await call.agent.finalTo(2, 'INFO')).status).toBe(200);
      await waitFor('the key', () => atHand.stage.domain.ofType('dtmf.received').length === 1);
      call.send('BYE', 3);
      await call.agent.finalTo(3, 'BYE');
      await isOver();
    });
  });

  describe('an INVITE that is written in a rare way', () => {
    const isAlive = async (): Promise<void> => {
      const agent = await atHand.stage.agent(atHand.port);
      agent.send(agent.request('OPTIONS'));
      expect((await agent.final('OPTIONS')).status).toBe(200);
    };

    it.each(oddForms.map((form) => [form.what, atHand.isOwn ? 200 : form.drachtio, form] as const))(
      'with %s is answered with %s, and does no harm',
      async (_what, status, { pattern, replacement }) => {
        const agent = await atHand.stage.agent(atHand.port);
        const { token } = await atHand.stage.domain.participant();
        const say = (text: string): void =>
          agent.send(Buffer.from(text.replace(pattern, replacement), 'latin1'));
        say(agent.invite({ headers: [`X-Token: ${token}`], body: audioOffer(4000) }));
        if (status === null) {
          // What came before it was read before it.
          await isAlive();
          expect(agent.received.filter((one) => (one.status ?? 0) >= 200)).toEqual([]);
          await isOver();
          return;
        }
        const answer = await agent.final('INVITE');
        expect(answer.status).toBe(status);
        if (status === 200) {
          const { toTag } = new AnsweredCall(agent, answer);
          say(agent.request('ACK', { toTag, branch: 'z9hG4bKack' }));
          await waitFor(
            'it is established',
            () => atHand.stage.domain.ofType('call.established').length === 1,
          );
          say(
            agent.request('INFO', {
              ...{ cseq: 2, toTag, branch: 'z9hG4bKinfo', body: '5' },
              headers: ['Content-Type: application/dtmf'],
            }),
          );
          expect((await agent.finalTo(2, 'INFO')).status).toBe(200);
          atHand.stage.domain.media.legs[0]?.listener.onEnded('media-timeout');
          const bye = await agent.wait('BYE', ({ startLine }) => startLine.startsWith('BYE '));
          agent.ok(bye);
          expect(bye.header('Call-ID')).toBe(answer.header('Call-ID'));
        }
        await isAlive();
        await isOver();
      },
    );

    it.each(['SIP/3.0', 'SIP/1.0', 'SIP/2.1', 'SIP/3', 'sip/7.0'])(
      'in version %s is answered with 505',
      async (version) => {
        const agent = await atHand.stage.agent(atHand.port);
        agent.send(agent.request('OPTIONS').replace(/SIP\/2\.0(?=\r)/, version));
        expect((await agent.final('OPTIONS')).status).toBe(505);
      },
    );
  });
}
