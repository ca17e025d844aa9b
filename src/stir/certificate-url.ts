/** Which URLs certificates are fetched from: a caller writes them. */

export interface UrlRules {
  /** Ports that may stand in a URL. */
  readonly ports: readonly number[];
  /** Host names, `*.` for one label and more; none: all. */
  readonly hosts: readonly string[];
}

const maxLength = 512;

/** The URL, where it may be asked: https, with nothing but a host, a port and a path (ATIS-1000074 §5.3.1). Null for any other. */
export function allowedUrl(text: string, { ports, hosts }: UrlRules): URL | null {
  if (text.length > maxLength || !/^https:\/\/[\x21-\x7e]+$/i.test(text) || /[\\;?#]/.test(text)) return null;
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return null;
  if (!ports.includes(url.port === '' ? 443 : Number(url.port))) return null;
  return hosts.length === 0 || hosts.some((host) => matches(host.toLowerCase(), url.hostname)) ? url : null;
}

function matches(allowed: string, host: string): boolean {
  return allowed.startsWith('*.')
    ? host.endsWith(allowed.slice(1)) && host.length > allowed.length - 1
    : host === allowed;
}
