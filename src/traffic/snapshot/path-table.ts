// Finds the route of a path: a radix trie over the characters of all paths of one virtual host.
// Knows no host and no cluster; a lookup is one walk along the path and allocates nothing.
import type { PathMatch } from '#traffic/model/ir.ts';

interface Node<T> {
  label: string;
  readonly children: Map<number, Node<T>>;
  exact: T | undefined;
  prefix: T | undefined;
}

const SLASH = 47;

/**
 * The longest match wins, and exact wins over prefix (the path precedence of the Ingress specification).
 * A prefix ends only where a path element ends, and its trailing slash does not count.
 * Of two equal matches the one added first stays.
 */
export class PathTable<T> {
  readonly #root: Node<T> = { label: '', children: new Map(), exact: undefined, prefix: undefined };

  add(match: PathMatch, value: T): void {
    if (match.type === 'exact') {
      const node = this.#nodeFor(match.value);
      node.exact ??= value;
      return;
    }
    const node = this.#nodeFor(match.value.endsWith('/') ? match.value.slice(0, -1) : match.value);
    node.prefix ??= value;
  }

  /** The value for a request path; everything from `?` on is ignored. */
  find(path: string): T | undefined {
    const query = path.indexOf('?');
    const end = query < 0 ? path.length : query;
    let node = this.#root;
    // The root's prefix takes every request, also `*` and the empty path of OPTIONS and CONNECT.
    let best = node.prefix;
    let offset = 0;
    while (offset < end) {
      const child = node.children.get(path.charCodeAt(offset));
      if (child === undefined || !path.startsWith(child.label, offset)) return best;
      offset += child.label.length;
      if (offset > end) return best;
      node = child;
      if (node.prefix !== undefined && (offset === end || path.charCodeAt(offset) === SLASH)) best = node.prefix;
    }
    return node.exact ?? best;
  }

  #nodeFor(key: string): Node<T> {
    let node = this.#root;
    let offset = 0;
    while (offset < key.length) {
      const code = key.charCodeAt(offset);
      const child = node.children.get(code);
      if (child === undefined) {
        const leaf: Node<T> = { label: key.slice(offset), children: new Map(), exact: undefined, prefix: undefined };
        node.children.set(code, leaf);
        return leaf;
      }
      const shared = sharedLength(child.label, key, offset);
      node = shared < child.label.length ? split(node, child, shared) : child;
      offset += shared;
    }
    return node;
  }
}

function sharedLength(label: string, key: string, offset: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === key.charCodeAt(offset + length)) length++;
  return length;
}

/** Puts a node above `child` that holds the first `length` characters of its label. */
function split<T>(parent: Node<T>, child: Node<T>, length: number): Node<T> {
  const upper: Node<T> = {
    label: child.label.slice(0, length),
    children: new Map([[child.label.charCodeAt(length), child]]),
    exact: undefined,
    prefix: undefined,
  };
  parent.children.set(upper.label.charCodeAt(0), upper);
  child.label = child.label.slice(length);
  return upper;
}
