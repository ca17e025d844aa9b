/** Describes elements. Text stays text: nothing here can become markup. */
export type Child = VNode | string | number | false | null | undefined | readonly Child[];

export type Handler = (event: never) => unknown;

export interface Props {
  /** Tells siblings apart across renders. */
  readonly key?: string;
  /** Runs once when the element is in the document; what it returns runs when the element goes. */
  readonly mounted?: (element: never) => (() => void) | void;
  readonly [name: string]: string | number | boolean | null | undefined | Handler;
}

export interface VNode {
  readonly tag: string;
  readonly props: Props;
  readonly children: readonly (VNode | string)[];
}

export function h(tag: string, props: Props = {}, ...children: readonly Child[]): VNode {
  return { tag, props, children: flatten(children) };
}

export function flatten(children: readonly Child[]): (VNode | string)[] {
  return children.flatMap((child): (VNode | string)[] => {
    if (child === null || child === undefined || child === false) return [];
    if (typeof child === 'string' || typeof child === 'number') return [String(child)];
    return isList(child) ? flatten(child) : [child];
  });
}

function isList(child: VNode | readonly Child[]): child is readonly Child[] {
  return Array.isArray(child);
}
