/** Finds the line of a message that a fault is about. */

const compactForms: Readonly<Record<string, string>> = {
  via: 'v',
  from: 'f',
  to: 't',
  'call-id': 'i',
  contact: 'm',
  'content-length': 'l',
  'content-type': 'c',
};

const namedFields = [
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length', 'Content-Type'],
  ...['Contact', 'Route', 'Record-Route'],
];

/**
 * The number of the line, from 1, that the parser's reason speaks of; null where it speaks of none, as of a field that is missing.
 * `text`: the message, of which only the header fields are looked at. `isWrong`: whether a value of that field is what is wrong,
 * where there are several.
 */
export function faultLine(
  text: string,
  reason: string,
  isWrong: (name: string, value: string) => boolean = () => true,
): number | null {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const lines = head.split(/\r?\n/);
  const numberOf = (fits: (line: string, at: number) => boolean): number | null => {
    const at = lines.findIndex(fits);
    return at === -1 ? null : at + 1;
  };
  if (/start line|Request-URI|SIP version/.test(reason)) return 1;
  if (reason === 'header field without a name')
    return numberOf((line, at) => at > 0 && !/^[ \t]/.test(line) && !/^[^\s:]+[ \t]*:/.test(line));
  if (reason === 'first header field is a continuation')
    return numberOf((line, at) => at === 1 && /^[ \t]/.test(line));
  if (reason.startsWith('control character')) return numberOf((line) => /[\0\r]/.test(line));
  const name = namedFields.find((field) => new RegExp(`\\b${field}$`).test(reason.replace(/ of .*$/, '')));
  if (name === undefined) return null;
  const names = [name.toLowerCase(), compactForms[name.toLowerCase()] ?? name.toLowerCase()];
  const isOne = (line: string): boolean => names.includes((line.split(':', 1)[0] ?? '').trim().toLowerCase());
  if (reason.startsWith('more than one')) {
    const first = lines.findIndex(isOne);
    return numberOf((line, at) => at > first && isOne(line));
  }
  const isFault = (line: string): boolean =>
    isOne(line) && isWrong(name, line.slice(line.indexOf(':') + 1).trim());
  return numberOf(isFault) ?? numberOf(isOne);
}
