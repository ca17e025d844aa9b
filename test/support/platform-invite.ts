/** What a platform sends over SIP when it follows our answer: the URI and the headers of its INVITE, as its documentation has it. */
import { XMLParser } from 'fast-xml-parser';

export interface PlatformInvite {
  readonly uri: string;
  /** Header lines. */
  readonly headers: readonly string[];
}

type Node = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  ignoreAttributes: false,
  ignoreDeclaration: true,
  parseTagValue: false,
  parseAttributeValue: false,
});

function xml(text: string): Node {
  return (parser.parse(text) as { Response: Node }).Response;
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key],
    value,
  );
}

/** The URI of `<Sip>`, whose query becomes headers. */
function fromTwilioUri(text: string): PlatformInvite {
  const [uri = '', query = ''] = text.split('?');
  return { uri, headers: [...new URLSearchParams(query)].map(([name, value]) => `${name}: ${value}`) };
}

const readers: Readonly<Record<string, (body: string) => PlatformInvite>> = {
  bandwidth(body) {
    const sipUri = at(xml(body), 'Transfer', 'SipUri');
    // Several values of uui come as several header fields.
    const values = String(at(sipUri, '@_uui')).split(',');
    return { uri: String(at(sipUri, '#text')), headers: values.map((value) => `User-to-User: ${value}`) };
  },
  twilio: (body) => fromTwilioUri(String(at(xml(body), 'Dial', 'Sip'))),
  signalwire(body) {
    const connect = at(JSON.parse(body), 'sections', 'main', 0, 'connect');
    const headers = at(connect, 'headers') as { name: string; value: string }[];
    return { uri: String(at(connect, 'to')), headers: headers.map(({ name, value }) => `${name}: ${value}`) };
  },
  telnyx: (body) => fromTwilioUri(String(at(xml(body), 'Dial', 'Sip'))),
  vonage(body) {
    const endpoint = at(JSON.parse(body), 0, 'endpoint', 0);
    const own = Object.entries(at(endpoint, 'headers') as Record<string, string>);
    const standard = Object.entries((at(endpoint, 'standardHeaders') ?? {}) as Record<string, string>);
    return {
      uri: String(at(endpoint, 'uri')),
      headers: [
        ...own.map(([name, value]) => `X-${name}: ${value}`),
        ...standard.map(([name, value]) => `${name}: ${value}`),
      ],
    };
  },
  plivo(body) {
    const user = at(xml(body), 'Dial', 'User');
    const pairs = String(at(user, '@_sipHeaders')).split(',');
    return {
      uri: String(at(user, '#text')),
      headers: pairs.map((pair) => `X-PH-${pair.split('=')[0] ?? ''}: ${pair.split('=')[1] ?? ''}`),
    };
  },
  jambonz(body) {
    const target = at(JSON.parse(body), 0, 'target', 0);
    const headers = Object.entries(at(target, 'headers') as Record<string, string>);
    return {
      uri: String(at(target, 'sipUri')),
      headers: headers.map(([name, value]) => `${name}: ${value}`),
    };
  },
  'telnyx-call-control'(body) {
    const order = JSON.parse(body) as Node;
    const headers = at(order, 'sip_headers') as { name: string; value: string }[];
    return { uri: String(order['to']), headers: headers.map(({ name, value }) => `${name}: ${value}`) };
  },
  asterisk(body) {
    const unescape = (text: string) => text.replaceAll('\\;', ';');
    const headers = [...body.matchAll(/PJSIP_HEADER\(add,([^)]+)\)=(.*)\)$/gm)].map(
      ([, name = '', value = '']) => `${name}: ${unescape(value)}`,
    );
    return { uri: unescape(/Dial\(PJSIP\/[^/]+\/([^,]+),/.exec(body)?.[1] ?? ''), headers };
  },
  freeswitch(body) {
    const actions = at(parser.parse(body), 'extension', 'condition', 'action') as Node[];
    const data = String(
      actions.map((action) => action['@_data']).find((text) => String(text).startsWith('{')),
    );
    const [, variables = '', address = ''] = /^\{(.*)\}sofia\/external\/(.*)$/.exec(data) ?? [];
    const headers = variables.split(/(?<!\\),/).filter((variable) => variable.startsWith('sip_h_'));
    return {
      uri: `sip:${address}`,
      headers: headers.map((text) => text.slice('sip_h_'.length).replace('=', ': ').replaceAll('\\,', ',')),
    };
  },
};

export function inviteOf(platform: string, body: string): PlatformInvite {
  const read = readers[platform];
  if (read === undefined) throw new Error(`${platform} is no known platform`);
  return read(body);
}
