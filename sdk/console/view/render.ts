/** Makes a container's children equal to a description, keeping elements (their focus, their media) where they match. */
import { flatten, type Child, type VNode } from './h.js';

interface Rendered {
  readonly vnode: VNode;
  unmount: (() => void) | undefined;
}

const svgNamespace = 'http://www.w3.org/2000/svg';
const svgTags = new Set(['svg', 'path', 'circle', 'rect', 'line', 'polyline']);
/** Set as properties: the attribute is only the initial value, or cannot express it. */
const properties = new Set(['value', 'checked', 'indeterminate', 'muted']);
const rendered = new WeakMap<Node, Rendered>();

export function render(container: Element, ...children: readonly Child[]): void {
  const mounts: (() => void)[] = [];
  patchChildren(container, flatten(children), mounts);
  for (const mount of mounts) mount();
}

function patchChildren(parent: Element, next: readonly (VNode | string)[], mounts: (() => void)[]): void {
  const free = new Set<ChildNode>(parent.childNodes);
  let cursor: ChildNode | null = parent.firstChild;
  for (const child of next) {
    const match = [...free].find((node) => matches(node, child));
    const node = match ?? create(child);
    free.delete(node);
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
    update(node, child, mounts);
    while (cursor !== null && !free.has(cursor)) cursor = cursor.nextSibling;
  }
  for (const node of free) {
    unmount(node);
    node.remove();
  }
}

function matches(node: ChildNode, child: VNode | string): boolean {
  if (typeof child === 'string') return node instanceof Text;
  const known = rendered.get(node)?.vnode;
  return known !== undefined && known.tag === child.tag && known.props.key === child.props.key;
}

function create(child: VNode | string): ChildNode {
  if (typeof child === 'string') return document.createTextNode(child);
  return svgTags.has(child.tag)
    ? document.createElementNS(svgNamespace, child.tag)
    : document.createElement(child.tag);
}

function update(node: ChildNode, child: VNode | string, mounts: (() => void)[]): void {
  if (typeof child === 'string') {
    if (node.nodeValue !== child) node.nodeValue = child;
    return;
  }
  const element = node as Element;
  const before = rendered.get(element);
  const state: Rendered = { vnode: child, unmount: before?.unmount };
  rendered.set(element, state);
  setProps(element, before?.vnode, child);
  patchChildren(element, child.children, mounts);
  // A select's value can be chosen only once its options are there.
  if (child.props['value'] !== undefined) setProperty(element, 'value', child.props['value']);
  const { mounted } = child.props;
  if (before === undefined && mounted !== undefined) {
    mounts.push(() => {
      state.unmount = mounted(element as never) ?? undefined;
      // A render in between may have replaced the state object.
      const latest = rendered.get(element);
      if (latest !== undefined) latest.unmount = state.unmount;
    });
  }
}

function setProps(element: Element, before: VNode | undefined, { props }: VNode): void {
  for (const name of new Set([...Object.keys(before?.props ?? {}), ...Object.keys(props)])) {
    const value = props[name];
    if (name === 'key' || name === 'mounted') continue;
    if (name.startsWith('on')) Reflect.set(element, name.toLowerCase(), value ?? null);
    else if (properties.has(name)) setProperty(element, name, value);
    else if (value !== before?.props[name]) setAttribute(element, name, value);
  }
}

function setProperty(element: Element, name: string, value: unknown): void {
  if (Reflect.get(element, name) !== value) Reflect.set(element, name, value);
}

function setAttribute(element: Element, name: string, value: unknown): void {
  // aria-* attributes say "false" in words.
  if (typeof value === 'boolean' && name.startsWith('aria-')) element.setAttribute(name, String(value));
  else if (value === undefined || value === null || value === false) element.removeAttribute(name);
  else if (value === true) element.setAttribute(name, '');
  else if (typeof value === 'string' || typeof value === 'number') element.setAttribute(name, String(value));
}

function unmount(node: Node): void {
  rendered.get(node)?.unmount?.();
  for (const child of node.childNodes) unmount(child);
}
