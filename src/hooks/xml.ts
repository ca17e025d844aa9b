/** XML answers: elements as values, escaped as they are written, so that no text can become markup. */

/** By name; one that is null is left out. */
export type XmlAttributes = Readonly<Record<string, string | number | null>>;

export interface XmlElement {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly children: readonly (XmlElement | string)[];
}

/** Attributes that are null are left out. */
export function element(
  name: string,
  attributes: XmlAttributes = {},
  ...children: readonly (XmlElement | string)[]
): XmlElement {
  return { name, attributes, children };
}

export function formatXml(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${formatElement(root)}`;
}

export function xmlAnswer(...children: readonly XmlElement[]): { contentType: string; body: string } {
  return { contentType: 'application/xml', body: formatXml(element('Response', {}, ...children)) };
}

function formatElement({ name, attributes, children }: XmlElement): string {
  const head = Object.entries(attributes)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join('');
  if (children.length === 0) return `<${name}${head}/>`;
  const inner = children.map((child) =>
    typeof child === 'string' ? escapeXml(child) : formatElement(child),
  );
  return `<${name}${head}>${inner.join('')}</${name}>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 cannot hold at all are left out; line ends in attributes are kept as references. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')

    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
    .replaceAll(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
