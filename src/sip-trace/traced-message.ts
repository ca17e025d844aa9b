/** A SIP message as it passed, and where. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface SeenMessage {
  readonly direction: 'in' | 'out';
  readonly protocol: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly bytes: Buffer;
}

export interface TracedMessage extends SeenMessage {
  /** Microseconds since the epoch. */
  readonly atUs: number;
}

/** What is read of a message to know whose it is. */
export interface MessageIdentity {
  readonly callId: string;
  readonly fromTag: string;
  readonly toTag: string;
}

/** The start line and header fields. `text` is Latin-1: every byte is a character. */
export function headOf(text: string): string {
  const end = /\r?\n\r?\n/.exec(text)?.index;
  return end === undefined ? text : text.slice(0, end);
}

/** Null where it has no Call-ID. */
export function identityOf(head: string): MessageIdentity | null {
  const callId = /\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]{1,1024})/i.exec(head)?.[1]?.trim();
  if (callId === undefined) return null;
  return { callId, fromTag: tagIn(head, 'from|f'), toTag: tagIn(head, 'to|t') };
}

function tagIn(head: string, name: string): string {
  const field = new RegExp(`\\n(?:${name})[ \\t]*:([^\\r\\n]*)`, 'i').exec(head)?.[1] ?? '';
  return /;[ \t]*tag[ \t]*=[ \t]*([^;\s,>]+)/i.exec(field.slice(field.lastIndexOf('>') + 1))?.[1] ?? '';
}

/** Telephone numbers that the message names as called or calling, digits alone. */
export function numbersIn(head: string): readonly string[] {
  const lines = head
    .split(/\r?\n/)
    .filter(
      (line, at) => at === 0 || /^(?:to|t|from|f|p-asserted-identity|remote-party-id)[ \t]*:/i.test(line),
    );
  return lines.flatMap((line) =>
    [...line.matchAll(/(?:sips?|tel):([^@;>\s?,]{3,64})/gi)].flatMap(([, user = '']) => digitsOf(user) ?? []),
  );
}

/** Null for what is no number. */
export function digitsOf(text: string): string | null {
  const plain = text.replaceAll(/%2b/gi, '+').replaceAll(/[-.() ]/g, '');
  const digits = plain.replace(/^(?:\+|00|011)/, '');
  return /^\d{3,32}$/.test(digits) ? digits : null;
}
