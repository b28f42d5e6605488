// A radix trie over the characters of paths, shared by its versions: a change copies the nodes on the way to it.
// Knows no request and no precedence; what stands at a node is the path table's matter.

export interface TrieNode<T> {
  label: string;
  /** Characters from the root to the end of `label`. */
  readonly depth: number;
  children: Map<number, TrieNode<T>> | undefined;
  exact: T | undefined;
  prefix: T | undefined;
}

export type Slot = 'exact' | 'prefix';

export function trieNode<T>(label: string, depth: number): TrieNode<T> {
  return { label, depth, children: undefined, exact: undefined, prefix: undefined };
}

/** The node of a key, made where there is none. Only for a trie that nobody else holds yet. */
export function nodeFor<T>(root: TrieNode<T>, key: string): TrieNode<T> {
  let node = root;
  let offset = 0;
  while (offset < key.length) {
    const child = node.children?.get(key.charCodeAt(offset));
    if (child === undefined) {
      const leaf = trieNode<T>(key.slice(offset), key.length);
      adopt(node, leaf);
      return leaf;
    }
    const shared = sharedLength(child.label, key, offset);
    if (shared < child.label.length) {
      const upper = above(child, shared);
      adopt(node, upper);
      node = upper;
    } else {
      node = child;
    }
    offset += shared;
  }
  return node;
}

/** The trie with something else at a key; `value` left out: with nothing. Shares all other nodes. */
export function withValue<T>(root: TrieNode<T>, key: string, slot: Slot, value: T | undefined): TrieNode<T> {
  return put(root, key, 0, slot, value);
}

function put<T>(node: TrieNode<T>, key: string, offset: number, slot: Slot, value: T | undefined): TrieNode<T> {
  if (offset === key.length) {
    const made = copy(node);
    made[slot] = value;
    return made;
  }
  const code = key.charCodeAt(offset);
  const child = node.children?.get(code);
  if (child === undefined) {
    if (value === undefined) return node;
    const leaf = trieNode<T>(key.slice(offset), key.length);
    leaf[slot] = value;
    return withChild(node, code, leaf);
  }
  const shared = sharedLength(child.label, key, offset);
  if (shared === child.label.length) return withChild(node, code, put(child, key, offset + shared, slot, value));
  if (value === undefined) return node;
  return withChild(node, code, put(above(copy(child), shared), key, offset + shared, slot, value));
}

function withChild<T>(node: TrieNode<T>, code: number, child: TrieNode<T>): TrieNode<T> {
  const made = copy(node);
  made.children = new Map(node.children);
  const tidy = tidied(child);
  if (tidy === undefined) made.children.delete(code);
  else made.children.set(code, tidy);
  if (made.children.size === 0) made.children = undefined;
  return made;
}

/** A node at which nothing stands is there only where ways part. */
function tidied<T>(node: TrieNode<T>): TrieNode<T> | undefined {
  if (node.exact !== undefined || node.prefix !== undefined) return node;
  const children = [...(node.children?.values() ?? [])];
  const [only] = children;
  if (only === undefined) return undefined;
  if (children.length > 1) return node;
  const joined = copy(only);
  joined.label = node.label + only.label;
  return joined;
}

function copy<T>({ label, depth, children, exact, prefix }: TrieNode<T>): TrieNode<T> {
  return { label, depth, children, exact, prefix };
}

function adopt<T>(parent: TrieNode<T>, child: TrieNode<T>): void {
  parent.children ??= new Map();
  parent.children.set(child.label.charCodeAt(0), child);
}

function sharedLength(label: string, key: string, offset: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === key.charCodeAt(offset + length)) length++;
  return length;
}

/** A node above `child`, which is changed, that holds the first `length` characters of its label. */
function above<T>(child: TrieNode<T>, length: number): TrieNode<T> {
  const upper = trieNode<T>(child.label.slice(0, length), child.depth - child.label.length + length);
  child.label = child.label.slice(length);
  adopt(upper, child);
  return upper;
}
