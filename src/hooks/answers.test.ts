/** What each platform is told, against what its own package writes for the same. */
import verbs from '@jambonz/verb-specifications';
import { Connect, Input, Talk } from '@vonage/voice';
import { ApiController } from '@bandwidth/webrtc';
import { Bxml } from 'bandwidth-sdk';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import plivoSdk from 'plivo';
import twilioSdk from 'twilio';
import { describe, expect, it } from 'vitest';
import type { TransferTarget } from '../domain/transfers/transfer.js';
import { bandwidth, formatBandwidthAnswer } from './bandwidth.js';
import type { HookDialect, PlatformAnswers } from './dialect.js';
import { hookDialects, transferDialects } from './dialects.js';
import { readHookRequest } from './hook-request.js';
import { twilioSipUri } from './twilio.js';

const token = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${'p'.repeat(94)}.${'s'.repeat(43)}`;
const joinCode = '0ABC12DEF345';
const voiceCallId = 'c-95ac8d6e-1a31c52e-b38f-4198-93c1-51633ec68f8d';
const target: TransferTarget = {
  sipUri: 'sip:join@gw.example.com',
  sipHost: 'gw.example.com',
  sipTransport: null,
  timeoutSeconds: 30,
  token,
  joinCode,
  voiceCallId,
  callerId: '+15551112222',
  completeUrl: 'https://app.example/done?a=1&b=2',
};
const question = { text: 'Say "PIN" & wait <now>', url: 'https://app.example/pin?a=1&b=2' };

/** Order of attributes, and white space between elements, mean nothing. */
function parseXml(text: string): unknown {
  expect(XMLValidator.validate(text)).toBe(true);
  return new XMLParser({
    ignoreAttributes: false,
    ignoreDeclaration: true,
    parseAttributeValue: false,
  }).parse(text);
}

function answersOf(
  dialect: HookDialect,
  body = '',
  contentType = 'application/x-www-form-urlencoded',
): PlatformAnswers {
  const request = readHookRequest({
    method: 'POST',
    url: 'https://gw.example.com/hooks/x/y',
    rawBody: Buffer.from(body),
    headers: { 'content-type': contentType },
  });
  return dialect.answers(request, { username: 'u"s<er', password: 'p&w' });
}

function dialect(platform: string): HookDialect {
  const found = hookDialects.get(platform);
  if (found === undefined) throw new Error(platform);
  return found;
}

describe('Bandwidth', () => {
  it('is told what its WebRTC package writes for the same transfer', () => {
    const { completeUrl: _, ...others } = target;
    const ours = formatBandwidthAnswer({ ...others, callerId: null, completeUrl: null });
    const theirs = ApiController.generateTransferBxml(token, voiceCallId, target.sipUri);
    expect(parseXml(ours.body.replace(' callTimeout="30"', ''))).toEqual(parseXml(theirs));
  });

  it('is told to transfer, to gather and to hang up as its voice package writes it', () => {
    const credentials = { username: 'u"s<er', password: 'p&w' };
    const uui = `95ac8d6e1a31c52eb38f419893c151633ec68f8d;encoding=base64,${token};encoding=jwt`;
    const transfer = new Bxml.Transfer(
      {
        transferCallerId: '+15551112222',
        callTimeout: 30,
        transferCompleteUrl: 'https://app.example/done?a=1&b=2',
        ...credentials,
      },
      [new Bxml.SipUri('sip:join@gw.example.com', { uui })],
    );
    const ours = answersOf(bandwidth);
    expect(parseXml(ours.transfer(target).body)).toEqual(parseXml(new Bxml.Response(transfer).toBxml()));
    const gather = new Bxml.Gather(
      {
        gatherUrl: question.url,
        ...credentials,
        ...{ maxDigits: 12, terminatingDigits: '#', firstDigitTimeout: 10, interDigitTimeout: 10 },
      },
      new Bxml.SpeakSentence(question.text),
    );
    expect(parseXml(ours.askPin(question).body)).toEqual(parseXml(new Bxml.Response(gather).toBxml()));
    expect(parseXml(ours.finish().body)).toEqual(parseXml(new Bxml.Response(new Bxml.Hangup()).toBxml()));
  });

  it('gets at most 256 characters of uui: token and call id, and the token alone where a call id is none of its own', () => {
    const uui = (voice: string | null) =>
      /uui="([^"]*)"/.exec(formatBandwidthAnswer({ ...target, voiceCallId: voice }).body)?.[1];
    expect(uui(voiceCallId)).toHaveLength(
      40 + ';encoding=base64,'.length + token.length + ';encoding=jwt'.length,
    );
    expect(uui(voiceCallId)?.length).toBeLessThanOrEqual(256);
    expect(uui('CA123')).toBe(`${token};encoding=jwt`);
    expect(formatBandwidthAnswer({ ...target, token: 't'.repeat(250) }).body).toContain(
      `<SipUri>sip:${joinCode}@gw.example.com</SipUri>`,
    );
  });
});

describe('Twilio', () => {
  it('is told to dial, to gather and to hang up as its package writes it', () => {
    const { VoiceResponse } = twilioSdk.twiml;
    const ours = answersOf(dialect('twilio'));
    const dialled = new VoiceResponse();
    dialled
      .dial({ answerOnBridge: true, callerId: '+15551112222', timeout: 30, action: target.completeUrl ?? '' })
      .sip(`sip:join@gw.example.com?User-to-User=${token}%3Bencoding%3Djwt`);
    expect(parseXml(ours.transfer(target).body)).toEqual(parseXml(dialled.toString()));
    const gathered = new VoiceResponse();
    gathered
      .gather({
        ...{
          input: ['dtmf'],
          action: question.url,
          method: 'POST',
          numDigits: 12,
          finishOnKey: '#',
          timeout: 10,
        },
        actionOnEmptyResult: true,
      })
      .say(question.text);
    expect(parseXml(ours.askPin(question).body)).toEqual(parseXml(gathered.toString()));
    const refused = new VoiceResponse();
    refused.say('Full <now> & "then"');
    refused.hangup();
    expect(parseXml(ours.refuse('Full <now> & "then"').body)).toEqual(parseXml(refused.toString()));
  });

  it('gets the join code where the token would make the URI 255 characters or more', () => {
    const uriWith = (host: string) => twilioSipUri({ ...target, sipUri: `sip:join@${host}` });
    const room = 254 - `sip:join@?User-to-User=${token}%3Bencoding%3Djwt`.length;
    expect(uriWith('h'.repeat(room))).toHaveLength(254);
    expect(uriWith('h'.repeat(room))).toContain(token);
    expect(uriWith('h'.repeat(room + 1))).toBe(
      `sip:join@${'h'.repeat(room + 1)}?X-Landbridge-Token=${joinCode}`,
    );
  });
});

describe('Plivo', () => {
  it('is told to dial and to get input as its package writes it', () => {
    const ours = answersOf(dialect('plivo'));
    const dialled = plivoSdk.Response();
    dialled
      .addDial({ callerId: '15551112222', timeout: 30, action: target.completeUrl, method: 'POST' })
      .addUser(`sip:${joinCode}@gw.example.com`, { sipHeaders: `Token=${joinCode}` });
    expect(parseXml(ours.transfer(target).body)).toEqual(parseXml(dialled.toXML()));
    const asked = plivoSdk.Response();
    asked
      .addGetInput({
        ...{ action: question.url, method: 'POST', inputType: 'dtmf', numDigits: 12, finishOnKey: '#' },
        ...{ executionTimeout: 30, digitEndTimeout: 10 },
      })
      .addSpeak(question.text);
    asked.addRedirect(question.url, { method: 'POST' });
    expect(parseXml(ours.askPin(question).body)).toEqual(parseXml(asked.toXML()));
  });

  it('gets header names of 24 and values of 120 letters and digits at most, and never a JWT', () => {
    const { body } = transferDialects.format('plivo', target);
    const [, name = '', value = ''] = /sipHeaders="([^=]*)=([^"]*)"/.exec(body) ?? [];
    expect(name).toMatch(/^[A-Za-z0-9]{1,24}$/);
    expect(value).toMatch(/^[A-Za-z0-9%]{1,120}$/);
    expect(body).not.toContain('eyJ');
  });
});

describe('Vonage', () => {
  const ours = answersOf(dialect('vonage'));

  it('is told to connect, to talk and to take input as its package writes it', () => {
    const headers = { 'Landbridge-Token': joinCode };
    const endpoint = {
      ...{ type: 'sip' as const, uri: 'sip:join@gw.example.com', headers },
      standardHeaders: { 'User-to-User': `${token};encoding=jwt` },
    };
    const connect = new Connect(
      ...([endpoint, '15551112222', undefined, undefined, 30, undefined, undefined] as const),
      target.completeUrl ?? '',
      'POST',
    );
    expect(JSON.parse(ours.transfer(target).body)).toEqual([plain(connect.serializeToNCCO())]);
    const [talk, input] = JSON.parse(ours.askPin(question).body) as [object, object];
    expect(talk).toEqual(plain(new Talk(question.text, true).serializeToNCCO()));
    const dtmf = { maxDigits: 12, submitOnHash: true, timeOut: 10 };
    expect(plain(new Input(dtmf, undefined, question.url, 'POST').serializeToNCCO())).toMatchObject({
      ...input,
      dtmf: expect.objectContaining({ maxDigits: 12, submitOnHash: true }) as unknown,
    });
  });

  it('gets at most 256 characters of User-to-User', () => {
    const tooLong = JSON.stringify(ours.transfer({ ...target, token: 't'.repeat(250) }));
    expect(tooLong).not.toContain('User-to-User');
    expect(tooLong).toContain(joinCode);
  });
});

describe('jambonz', () => {
  const ours = answersOf(dialect('jambonz'));

  it('is told what its specification of verbs allows', () => {
    const answers = [ours.transfer(target), ours.askPin(question), ours.refuse('no'), ours.finish()];
    for (const { body } of answers) expect(() => verbs.validate(console, JSON.parse(body))).not.toThrow();
    expect(JSON.parse(ours.transfer(target).body)).toEqual([
      {
        ...{ verb: 'dial', answerOnBridge: true, callerId: '+15551112222', timeout: 30 },
        actionHook: target.completeUrl,
        target: [
          {
            ...{ type: 'sip', sipUri: 'sip:join@gw.example.com' },
            headers: { 'User-to-User': `${token};encoding=jwt` },
          },
        ],
      },
    ]);
  });
});

// No package of SignalWire's or Telnyx's writes these: they are as the vendors' documentation has them.
describe('SignalWire', () => {
  it('is told in SWML where it asked in JSON, with UDP unless told otherwise', () => {
    const { transfer } = answersOf(dialect('signalwire'), '{"call":{"call_id":"x"}}', 'application/json');
    expect(JSON.parse(transfer(target).body)).toEqual({
      version: '1.0.0',
      sections: {
        main: [
          {
            connect: {
              ...{ to: 'sip:join@gw.example.com;transport=udp', timeout: 30, answer_on_bridge: true },
              headers: [{ name: 'User-to-User', value: `${token};encoding=jwt` }],
            },
          },
        ],
      },
    });
    const tls = { ...target, sipUri: 'sip:join@gw.example.com;transport=tls', sipTransport: 'tls' as const };
    expect(transfer(tls).body).toContain('"sip:join@gw.example.com;transport=tls"');
  });

  it('is told in cXML where it asked with a form', () => {
    const { body } = answersOf(dialect('signalwire'), 'CallSid=x').transfer(target);
    expect(body).toContain(
      `<Sip>sip:join@gw.example.com;transport=udp?User-to-User=${token}%3Bencoding%3Djwt</Sip>`,
    );
  });
});

describe('Telnyx', () => {
  it('is told in TeXML where it asked with a form: the join code in the user part', () => {
    const { body } = answersOf(dialect('telnyx'), 'CallSid=x').transfer(target);
    expect(parseXml(body)).toMatchObject({ Response: { Dial: { Sip: `sip:${joinCode}@gw.example.com` } } });
  });

  it('is ordered to transfer by Call Control where it told of a call in JSON; an order has its own id', () => {
    const event = (eventType: string) =>
      JSON.stringify({ data: { event_type: eventType, id: 'e1', payload: { call_control_id: 'v3:a/b' } } });
    const initiated = answersOf(dialect('telnyx'), event('call.initiated'), 'application/json');
    expect(initiated.transfer(target).commands).toEqual([
      {
        path: '/v2/calls/v3%3Aa%2Fb/actions/transfer',
        body: {
          ...{ to: 'sip:join@gw.example.com', timeout_secs: 30, command_id: 'transfer-e1' },
          sip_headers: [{ name: 'User-to-User', value: `${token};encoding=jwt` }],
        },
      },
    ]);
    expect(initiated.askPin(question).commands).toEqual([
      { path: '/v2/calls/v3%3Aa%2Fb/actions/answer', body: { command_id: 'answer-e1' } },
    ]);
    const answered = answersOf(dialect('telnyx'), event('call.answered'), 'application/json');
    expect(answered.askPin(question).commands?.[0]).toMatchObject({
      path: '/v2/calls/v3%3Aa%2Fb/actions/gather_using_speak',
      body: { payload: question.text, maximum_digits: 12, terminating_digit: '#' },
    });
  });
});

describe('The dialplans', () => {
  it('escape what would end a value: a semicolon in Asterisk, a comma in FreeSWITCH', () => {
    const asterisk = transferDialects.format('asterisk', target).body;
    expect(asterisk).toContain(`Set(PJSIP_HEADER(add,User-to-User)=${token}\\;encoding=jwt)`);
    expect(asterisk).toContain(
      'Dial(PJSIP/landbridge/sip:join@gw.example.com,30,b(landbridge-headers^add^1))',
    );
    const freeswitch = transferDialects.format('freeswitch', target).body;
    expect(parseXml(freeswitch)).toBeTypeOf('object');
    expect(freeswitch).toContain(
      `{sip_h_User-to-User=${token};encoding=jwt,originate_timeout=30}sofia/external/join@gw.example.com`,
    );
  });
});

describe('Every dialect', () => {
  const hostile = [
    '"/><Hangup/><Foo a="',
    "']]><!--",
    '&lt;&amp;&#0;',
    'a,b;c%d=e^f{g}$(h)`i`',
    '${EXEC(rm)}',
    'Zoë 🐌 \u202e',
    '\u0000\u0001\ud800\r\nVia: x',
    'x'.repeat(8192),
  ];

  it.each([...hookDialects.keys()])('of %s stays well-formed whatever it is given to say', (platform) => {
    for (const isJson of [false, true]) {
      const body = isJson ? '{"call":{},"data":{"payload":{}}}' : 'a=b';
      const { transfer, askPin, refuse } = answersOf(
        dialect(platform),
        body,
        isJson ? 'application/json' : undefined,
      );
      for (const text of hostile) {
        const answers = [
          transfer({
            ...target,
            callerId: text,
            voiceCallId: text,
            completeUrl: `https://a.example/${text}`,
          }),
          askPin({ text, url: `https://a.example/${text}` }),
          refuse(text),
        ];
        for (const { contentType, body: answer } of answers) {
          if (contentType === 'application/json') expect(() => JSON.parse(answer) as unknown).not.toThrow();
          else expect(Object.keys(parseXml(answer) as object)).toEqual(['Response']);
        }
        const [first] = answers;
        if (first?.contentType === 'application/xml') expect(first.body).not.toContain('<Foo');
        // What is no number is not passed on as a caller id at all.
        expect(first?.body).not.toMatch(/callerId|CallerId|"from"/);
      }
    }
  });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
