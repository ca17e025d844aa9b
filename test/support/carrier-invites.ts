/** INVITEs in the manner of carriers and phone systems: which fields they write and how, and what they offer. Ours, not theirs. */

export interface CarrierRequest {
  /** Where it is sent from. */
  readonly address: string;
  readonly port: number;
  readonly transport: 'UDP' | 'TLS';
  readonly callId: string;
  readonly cseq: number;
  /** Header lines. */
  readonly fields?: readonly string[];
  readonly body?: string;
  readonly toTag?: string | undefined;
}

export interface CarrierInvite {
  /** Which preset it is of. */
  readonly preset: string;
  readonly what: string;
  /** The user and parameters of its Request-URI, and those of its To where it writes another. */
  readonly called: string;
  readonly from: string;
  /** Header lines. */
  readonly fields: readonly string[];
  /** The media line's profile and formats, then its attributes; null: no offer. */
  readonly media: readonly [line: string, ...attributes: string[]] | null;
  /** Who calls, as it is to be read. */
  readonly caller: string | null;
}

const number = '+14155550100';
const telephoneEvent = (format: number, events = '0-16') => [
  `a=rtpmap:${format} telephone-event/8000`,
  `a=fmtp:${format} ${events}`,
];
const g711 = ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000'];

export const carrierInvites: readonly CarrierInvite[] = [
  {
    preset: 'twilio',
    what: 'forwarded, through its proxy',
    called: number,
    from: '<sip:+13125550123@carrier.example>',
    fields: [
      'Record-Route: <sip:127.0.0.1:9;lr;ftag=1_a>',
      'Diversion: <sip:+12125550111@carrier.example>;reason=unconditional',
      'P-Asserted-Identity: <sip:+12125550111@carrier.example:5060>',
      'X-Twilio-AccountSid: AC0123456789abcdef0123456789abcdef',
      'X-Twilio-CallSid: CA0123456789abcdef0123456789abcdef',
      'User-Agent: Twilio Gateway',
    ],
    media: ['RTP/AVP 0 8 101', ...g711, ...telephoneEvent(101), 'a=ptime:20', 'a=maxptime:150', 'a=sendrecv'],
    caller: '+13125550123',
  },
  {
    preset: 'telnyx',
    what: 'with a verified identity',
    called: number,
    from: '"Some Name" <sip:+13125550199@carrier.example>',
    fields: [
      'P-Asserted-Identity: "Some Name" <sip:+13125550123;verstat=TN-Validation-Passed@carrier.example;user=phone>',
      'X-Telnyx-Session-ID: 0f0e0d0c-0000-4000-8000-000000000001',
      'User-Agent: Telnyx SIP Proxy',
    ],
    media: ['RTP/AVP 9 0 8 101', 'a=rtpmap:9 G722/8000', ...g711, ...telephoneEvent(101), 'a=ptime:20'],
    caller: '+13125550123',
  },
  {
    preset: 'bandwidth',
    what: 'with G.729 beside G.711',
    called: `${number};npdi=yes`,
    from: '"WIRELESS CALLER" <sip:+13125550123@carrier.example;isup-oli=62>',
    fields: [
      'P-Asserted-Identity: "WIRELESS CALLER" <sip:+13125550123@carrier.example:5060>',
      'Accept: application/sdp, application/isup, application/dtmf-relay, multipart/mixed',
      'Supported: timer',
      'Session-Expires: 1800',
      'Min-SE: 90',
    ],
    media: [
      'RTP/AVP 18 0 101',
      'a=rtpmap:18 G729/8000',
      'a=fmtp:18 annexb=no',
      'a=rtpmap:0 PCMU/8000',
      ...telephoneEvent(101, '0-15'),
      'a=maxptime:20',
    ],
    caller: '+13125550123',
  },
  {
    preset: 'vonage',
    what: 'whose numbers have no plus',
    called: number.slice(1),
    from: '<sip:447700900123@carrier.example>',
    fields: ['P-Asserted-Identity: <sip:+442079460000@carrier.example>', 'X-Nexmo-Trace-Id: 1'],
    media: ['RTP/AVP 8 0 101', ...g711, ...telephoneEvent(101)],
    caller: '447700900123',
  },
  {
    preset: 'plivo',
    what: 'with its verdict on who calls',
    called: number,
    from: '"+13125550123" <sip:+13125550123@carrier.example>',
    fields: ['X-Plivo-Stir-Verification: Verified', 'X-PH-CallUUID: 1', 'User-Agent: Plivo'],
    media: ['RTP/AVP 8 0 101', ...g711, ...telephoneEvent(101)],
    caller: '+13125550123',
  },
  {
    preset: 'teams',
    what: 'with SRTP alone',
    called: `${number};user=phone`,
    from: '"Jo" <sip:+13125550123@sip.pstnhub.microsoft.com:5061;user=phone>',
    fields: [
      'Record-Route: <sip:127.0.0.1:9;transport=tls;lr>',
      'P-Asserted-Identity: <tel:+13125550999>,<sip:jo@tenant.example>',
      'History-Info: <sip:+13125550888@tenant.example>;index=1',
      'User-Agent: Microsoft.PSTNHub.SIPProxy',
      'Allow: INVITE,ACK,CANCEL,BYE,NOTIFY,UPDATE',
    ],
    media: [
      'RTP/SAVP 104 9 0 8 101 13',
      'a=crypto:0 AES_CM_128_HMAC_SHA1_32 inline:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0|2^31',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dHNycXBvbm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw|2^31',
      'a=rtpmap:104 SILK/16000',
      'a=rtpmap:9 G722/8000',
      ...g711,
      ...telephoneEvent(101),
      'a=rtcp-mux',
    ],
    caller: '+13125550123',
  },
  {
    preset: 'asterisk',
    what: 'that names its extension',
    called: number,
    from: '"Reception" <sip:1001@pbx.example>',
    fields: [
      'P-Asserted-Identity: "Reception" <sip:+13125550123@pbx.example>',
      'Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, MESSAGE, REFER',
      'Supported: 100rel, timer, replaces, norefersub, histinfo',
      'Session-Expires: 1800',
      'Min-SE: 90',
      'User-Agent: Asterisk PBX 20.9.3',
    ],
    media: [
      'RTP/AVP 107 0 8 101',
      'a=rtpmap:107 opus/48000/2',
      'a=fmtp:107 useinbandfec=1',
      ...g711,
      ...telephoneEvent(101),
      'a=maxptime:60',
      'a=sendrecv',
    ],
    caller: '+13125550123',
  },
  {
    preset: 'freeswitch',
    what: 'with Remote-Party-ID and comfort noise',
    called: number,
    from: '"Jo" <sip:1000@pbx.example>',
    fields: [
      'Remote-Party-ID: "Jo" <sip:+13125550123@pbx.example>;party=calling;screen=yes;privacy=off',
      'Supported: timer, path, replaces',
      'Allow-Events: talk, hold, conference, refer',
      'X-FS-Support: update_display,send_info',
      'User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit',
    ],
    media: [
      'RTP/AVP 102 0 8 13 101',
      'a=rtpmap:102 opus/48000/2',
      ...g711,
      'a=rtpmap:13 CN/8000',
      ...telephoneEvent(101),
      'a=ptime:20',
    ],
    caller: '+13125550123',
  },
  {
    preset: 'cisco',
    what: 'Communications Manager, without an offer',
    called: number,
    from: '"Jo" <sip:1000@10.1.2.3>',
    fields: [
      'P-Asserted-Identity: "Jo" <sip:+13125550123@10.1.2.3>',
      'Remote-Party-ID: "Jo" <sip:1000@10.1.2.3>;party=calling;screen=yes;privacy=off',
      'Supported: timer,resource-priority,replaces',
      'Supported: X-cisco-srtp-fallback,Geolocation',
      'Min-SE: 1800',
      'Session-Expires: 1800',
      'Call-Info: <urn:x-cisco-remotecc:callinfo>;security=NotAuthenticated',
      'Cisco-Guid: 0123456789-0123456789-0123456789-0123456789',
      'User-Agent: Cisco-CUCM15.0',
    ],
    media: null,
    caller: '+13125550123',
  },
  {
    preset: 'cisco',
    what: 'Border Element, with Remote-Party-ID alone',
    called: number,
    from: '<sip:+13125550123@10.1.2.4>',
    fields: [
      'Remote-Party-ID: <sip:+13125550123@10.1.2.4>;party=calling;screen=no;privacy=off',
      'Cisco-Guid: 0123456789-0123456789-0123456789-0123456789',
      'Supported: 100rel,timer,resource-priority,replaces,sdp-anat',
      'Min-SE: 1800',
      'User-Agent: Cisco-SIPGateway/IOS-17.9.4',
      'Content-Disposition: session;handling=required',
    ],
    media: ['RTP/AVP 18 0 101', 'a=rtpmap:18 G729/8000', 'a=rtpmap:0 PCMU/8000', ...telephoneEvent(101)],
    caller: '+13125550123',
  },
  {
    preset: 'avaya',
    what: 'with its data in User-to-User',
    called: number,
    from: '"Jo" <sip:7001@pbx.example>',
    fields: [
      'P-Asserted-Identity: "Jo" <sip:+13125550123@pbx.example>',
      'User-to-User: 00FA080001000261C3E5;encoding=hex',
      'History-Info: <sip:+14155550100@pbx.example>;index=1, "x" <sip:+14155550100@pbx.example>;index=1.1',
      'P-Charging-Vector: icid-value="0123456789abcdef"',
      'P-Location: SM;origlocation="Here";origsiglocation="Here"',
      'Alert-Info: <cid:internal@pbx.example>;avaya-cm-alert-type=internal',
      'Av-Global-Session-ID: 01234567-89ab-cdef-0123-456789abcdef',
      'Max-Breadth: 60',
      'Supported: 100rel,join,replaces,sdp-anat,timer',
      'Session-Expires: 1200;refresher=uac',
      'Min-SE: 1200',
      'User-Agent: Avaya CM/R018x.01.0.890.0 AVAYA-SM-8.1.3.0',
    ],
    media: [
      'RTP/AVP 0 18 120',
      'a=rtpmap:18 G729/8000',
      'a=fmtp:18 annexb=no',
      'a=rtpmap:120 telephone-event/8000',
    ],
    caller: '+13125550123',
  },
];

/** Empty where the peer offers nothing. */
export function offerOf({ media }: CarrierInvite, address: string, port: number): string {
  if (media === null) return '';
  const [line, ...attributes] = media;
  const session = ['v=0', `o=peer 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0'];
  return [...session, `m=audio ${port} ${line}`, ...attributes, ''].join('\r\n');
}

export function uriOf({ called }: CarrierInvite): string {
  const [user = '', ...parameters] = called.split(';');
  return [`sip:${user}@gw.example:5060`, ...parameters].join(';');
}

/** A request of the peer's one call, whole. `toTag`: that of the answer, once there is one. */
export function writeRequest(
  method: 'INVITE' | 'ACK' | 'BYE',
  peer: CarrierInvite,
  { address, port, transport, callId, cseq, fields = [], body = '', toTag }: CarrierRequest,
): string {
  const branch = `z9hG4bK${callId}-${cseq}-${method}`;
  const isSecure = transport === 'TLS';
  return [
    `${method} ${uriOf(peer)} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${address}:${port};branch=${branch};rport`,
    'Max-Forwards: 66',
    `From: ${peer.from};tag=peer`,
    `To: <${uriOf(peer)}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:peer@${address}:${port}${isSecure ? ';transport=tls' : ''}>`,
    ...fields,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
