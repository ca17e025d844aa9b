/** Makes elements. Text goes in as text, whatever it looks like. */
type Attributes = Readonly<Record<string, string | boolean | undefined>>;
type Child = Node | string | undefined;

/** Makes an element. A boolean attribute is there or not; one that is undefined is left out. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'string') made.setAttribute(key, value);
    else if (value === true) made.setAttribute(key, '');
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Line icons on a 20 × 20 grid. */
const paths = {
  mic: 'M10 2.5A2.5 2.5 0 0 0 7.5 5v4.5a2.5 2.5 0 0 0 5 0V5A2.5 2.5 0 0 0 10 2.5zM4.5 9.5a5.5 5.5 0 0 0 11 0M10 15v2.5',
  micOff:
    'M12.500 8V5a2.500 2.500 0 0 0-4.800-1M7.500 7.500v2a2.500 2.500 0 0 0 4 2M4.500 9.500a5.500 5.500 0 0 0 8.800 4.400M15.500 9.500c0 .8-.2 1.500-.5 2.200M10 15v2.500M3 3l14 14',
  camera:
    'M3 6h8.500A1.500 1.500 0 0 1 13 7.500v5a1.500 1.500 0 0 1-1.500 1.500H3a1.500 1.500 0 0 1-1.500-1.500v-5A1.500 1.500 0 0 1 3 6zM13 9l5-2.500v7L13 11',
  screen: 'M2.500 4h15v10h-15zM7 17h6M10 14v3M10 11.500V7M7.800 9L10 6.800 12.200 9',
  settings: 'M3 6h6M13 6h4M11 4v4M3 14h3M10 14h7M8 12v4',
  leave:
    'M2.500 11.200c4.600-4.300 10.400-4.300 15 0l-1.800 2.300-3-1.200-.2-2.100a8.500 8.500 0 0 0-5 0l-.2 2.100-3 1.200z',
  phone:
    'M4.600 3h2.600l1.400 3.600-1.700 1.200a9 9 0 0 0 5.300 5.300l1.200-1.700L17 12.800v2.600A1.600 1.600 0 0 1 15.300 17 12.400 12.400 0 0 1 3 4.700 1.600 1.600 0 0 1 4.600 3z',
  sound: 'M3 8v4h3l4 3.500v-11L6 8zM13 7.500a3.500 3.500 0 0 1 0 5M15.500 5a7 7 0 0 1 0 10',
  close: 'M5 5l10 10M15 5L5 15',
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}
