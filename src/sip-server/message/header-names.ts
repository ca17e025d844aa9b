/** The long names this engine writes, and the compact forms of RFC 3261 §7.3.3 and the extensions that added more. */
const longNames = [
  'Accept', 'Accept-Contact', 'Accept-Encoding', 'Accept-Language', 'Alert-Info', 'Allow', 'Allow-Events',
  'Authentication-Info', 'Authorization', 'Call-ID', 'Call-Info', 'Contact', 'Content-Disposition',
  'Content-Encoding', 'Content-Language', 'Content-Length', 'Content-Type', 'CSeq', 'Date', 'Diversion',
  'Error-Info', 'Event', 'Expires', 'From', 'Geolocation', 'History-Info', 'Identity', 'Identity-Info',
  'In-Reply-To', 'Join', 'Max-Forwards', 'MIME-Version', 'Min-Expires', 'Min-SE', 'Organization',
  'P-Asserted-Identity', 'P-Called-Party-ID', 'P-Charging-Vector', 'P-Preferred-Identity', 'Path', 'Priority',
  'Privacy', 'Proxy-Authenticate', 'Proxy-Authorization', 'Proxy-Require', 'RAck', 'Reason', 'Record-Route',
  'Refer-Sub', 'Refer-To', 'Referred-By', 'Reject-Contact', 'Remote-Party-ID', 'Replaces', 'Reply-To',
  'Request-Disposition', 'Require', 'Retry-After', 'Route', 'RSeq', 'Server', 'Service-Route', 'Session-Expires',
  'SIP-ETag', 'SIP-If-Match', 'Subject', 'Subscription-State', 'Supported', 'Timestamp', 'To', 'Unsupported',
  'User-Agent', 'User-to-User', 'Via', 'Warning', 'WWW-Authenticate',
]; // prettier-ignore

const compactForms: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
};

export interface HeaderName {
  /** The long name in its registered case; one that is not known as it came. */
  readonly name: string;
  /** What two names that mean the same header field have in common: lower case, compact form expanded. */
  readonly key: string;
}

/** Both spellings used in code and on the wire are found at once, without lower-casing. */
const knownNames: ReadonlyMap<string, HeaderName> = namesAsWritten();

function namesAsWritten(): Map<string, HeaderName> {
  const names = new Map<string, HeaderName>();
  for (const name of longNames) {
    const known = { name, key: name.toLowerCase() };
    names.set(name, known).set(known.key, known);
  }
  for (const [compact, name] of Object.entries(compactForms)) {
    const known = names.get(name);
    if (known !== undefined) names.set(compact, known);
  }
  return names;
}

/** Reads a name in any case and form. */
export function headerName(written: string): HeaderName {
  const known = knownNames.get(written);
  if (known !== undefined) return known;
  const lower = written.toLowerCase();
  return knownNames.get(lower) ?? { name: written, key: lower };
}

/** What it has in common with every other name of the same header field. */
export function headerKey(name: string): string {
  return headerName(name).key;
}
