/** Line icons on a 20 × 20 grid, drawn for this console. */
import { h, type VNode } from './h.js';

const paths = {
  mic: 'M10 2.5a2.5 2.5 0 0 0-2.5 2.5v4.5a2.5 2.5 0 0 0 5 0V5A2.5 2.5 0 0 0 10 2.5zM4.5 9.5a5.5 5.5 0 0 0 11 0M10 15v2.5',
  micOff:
    'M12.5 8V5a2.5 2.5 0 0 0-4.8-1M7.5 7.5v2a2.5 2.5 0 0 0 4 2M4.5 9.5a5.5 5.5 0 0 0 8.8 4.4M15.5 9.5c0 .8-.2 1.5-.5 2.2M10 15v2.5M3 3l14 14',
  phone:
    'M4.6 3h2.6l1.4 3.6-1.7 1.2a9 9 0 0 0 5.3 5.3l1.2-1.7L17 12.8v2.6A1.6 1.6 0 0 1 15.3 17 12.4 12.4 0 0 1 3 4.7 1.6 1.6 0 0 1 4.6 3z',
  hangUp:
    'M2.5 11.2c4.6-4.3 10.400-4.300 15 0l-1.800 2.300-3-1.200-.2-2.100a8.500 8.500 0 0 0-5 0l-.2 2.100-3 1.200z',
  camera:
    'M3 6h8.500A1.500 1.500 0 0 1 13 7.500v5a1.500 1.500 0 0 1-1.500 1.500H3a1.500 1.500 0 0 1-1.500-1.500v-5A1.500 1.500 0 0 1 3 6zM13 9l5-2.500v7L13 11',
  plus: 'M10 4v12M4 10h12',
  trash: 'M3.500 5.500h13M8 5.500V3.500h4v2M5.500 5.500l.7 11h7.600l.7-11M8.500 8.500v5M11.500 8.500v5',
  copy: 'M7 7h9.500v9.500H7zM13 7V3.500H3.500V13H7',
  check: 'M4 10.500l4 4 8-9',
  close: 'M5 5l10 10M15 5L5 15',
  back: 'M12 4l-6 6 6 6',
  signOut: 'M8 3.500H3.500v13H8M13 6.500l3.500 3.500L13 13.500M16.500 10H8',
  more: 'M10 5v.01M10 10v.01M10 15v.01',
  ear: 'M6 8a4 4 0 1 1 7.500 2c-1 1.500-2 2-2 4a2.200 2.200 0 0 1-4.200.8M8.200 8.200a1.800 1.800 0 1 1 3.100 1.300',
  people:
    'M7.500 9.500a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600zM2.500 16.500c0-2.800 2.200-4.500 5-4.500s5 1.700 5 4.500M13 4.300a2.600 2.600 0 0 1 0 5M14.500 12.300c1.800.6 3 2 3 4.200',
  spark: 'M10 2.500l1.800 5.700 5.700 1.800-5.700 1.800L10 17.500l-1.800-5.700L2.500 10l5.700-1.800z',
  wave: 'M3 10h1.500l1.500-4 3 9 3-11 2 6H17',
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): VNode {
  return h(
    'svg',
    { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' },
    h('path', { d: paths[name] }),
  );
}

/** The mark: a span between two shores. */
export function logo(): VNode {
  return h(
    'svg',
    { class: 'logo', viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' },
    h('rect', { class: 'logo-ground', width: 32, height: 32, rx: 8 }),
    h('path', { class: 'logo-line', d: 'M5 21h22M7 21c0-12 18-12 18 0M12 21v-7M20 21v-7M16 21v-9' }),
  );
}
