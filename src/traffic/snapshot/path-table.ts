// Finds the route of a request: a radix trie over the characters of all paths of one virtual host.
// Knows no host and no cluster; without conditions a lookup is one walk along the path and allocates nothing.
import { type Matches, wholeMatch } from '#lib/linear-regex.ts';
import { byPrecedence, prefixKey } from './precedence.ts';
import type { RequestView } from './request-view.ts';
import { RouteConditions, type RouteMatch } from './route-conditions.ts';

interface Candidate<T> {
  readonly value: T;
  /** Undefined: takes whatever comes. */
  readonly conditions: RouteConditions | undefined;
}

/** In order of precedence; nothing stands behind a candidate without conditions. */
type Candidates<T> = Candidate<T>[];

interface Node<T> {
  label: string;
  /** Characters from the root to the end of `label`. */
  readonly depth: number;
  parent: Node<T> | undefined;
  children: Map<number, Node<T>> | undefined;
  exact: Candidates<T> | undefined;
  prefix: Candidates<T> | undefined;
}

interface RegexCandidate<T> extends Candidate<T> {
  readonly matches: Matches;
}

const SLASH = 47;

/**
 * Exact wins over prefix, longer over shorter, and regular expressions come last (`precedence.ts`). A prefix ends only
 * where a path element ends, and its trailing slash does not count. Where every route of the best path asks for another
 * method, header or parameter, the next best path has its turn.
 */
export class PathTable<T> {
  readonly #root: Node<T> = nodeOf('', undefined);
  readonly #regexes: RegexCandidate<T>[] = [];

  /** Of two equal matches the first stays. */
  constructor(entries: Iterable<readonly [RouteMatch, T]>) {
    const regexes = new Map<string, ReturnType<typeof wholeMatch>>();
    for (const [match, value] of [...entries].sort(([a], [b]) => byPrecedence(a, b))) {
      const { path } = match;
      const candidate = { value, conditions: RouteConditions.of(match) };
      if (path.type === 'regex') {
        const matches = regexes.get(path.value) ?? wholeMatch(path.value);
        regexes.set(path.value, matches);
        // Whoever wrote the model has been told; a pattern that is none matches nothing.
        if (!('error' in matches)) this.#regexes.push({ ...candidate, matches });
      } else if (path.type === 'exact') {
        const node = this.#nodeFor(path.value);
        node.exact = appended(node.exact, candidate);
      } else {
        const node = this.#nodeFor(prefixKey(path.value));
        node.prefix = appended(node.prefix, candidate);
      }
    }
  }

  /** The value for a request; everything of `path` from `?` on is ignored. */
  find(path: string, request: RequestView): T | undefined {
    const query = path.indexOf('?');
    const end = query < 0 ? path.length : query;
    let node = this.#root;
    // The root's prefix takes every request, also `*` and the empty path of OPTIONS and CONNECT.
    let best = node;
    let offset = 0;
    while (offset < end) {
      const child = node.children?.get(path.charCodeAt(offset));
      if (child === undefined || !path.startsWith(child.label, offset)) return this.#below(best, path, end, request);
      offset += child.label.length;
      if (offset > end) return this.#below(best, path, end, request);
      node = child;
      if (node.prefix !== undefined && (offset === end || path.charCodeAt(offset) === SLASH)) best = node;
    }
    if (node.exact !== undefined) {
      const found = first(node.exact, request);
      if (found !== undefined) return found;
    }
    return this.#below(best, path, end, request);
  }

  /** What the prefix of `best` has, or a shorter one, or a regular expression. */
  #below(best: Node<T>, path: string, end: number, request: RequestView): T | undefined {
    for (let node: Node<T> | undefined = best; node !== undefined; node = node.parent) {
      if (node.prefix === undefined) continue;
      // `/a` stands above `/ab` in the trie, and is no prefix of it.
      if (node.depth !== end && node.depth !== 0 && path.charCodeAt(node.depth) !== SLASH) continue;
      const found = first(node.prefix, request);
      if (found !== undefined) return found;
    }
    if (this.#regexes.length === 0) return undefined;
    const bare = path.slice(0, end);
    for (const { matches, conditions, value } of this.#regexes) {
      if ((conditions === undefined || conditions.met(request)) && matches(bare)) return value;
    }
    return undefined;
  }

  #nodeFor(key: string): Node<T> {
    let node = this.#root;
    let offset = 0;
    while (offset < key.length) {
      const code = key.charCodeAt(offset);
      const child = node.children?.get(code);
      if (child === undefined) {
        const leaf = nodeOf<T>(key.slice(offset), node);
        adopt(node, leaf);
        return leaf;
      }
      const shared = sharedLength(child.label, key, offset);
      node = shared < child.label.length ? split(node, child, shared) : child;
      offset += shared;
    }
    return node;
  }
}

function appended<T>(list: Candidates<T> | undefined, candidate: Candidate<T>): Candidates<T> {
  if (list === undefined) return [candidate];
  if (list.at(-1)?.conditions !== undefined || list.length === 0) list.push(candidate);
  return list;
}

function first<T>(candidates: Candidates<T>, request: RequestView): T | undefined {
  for (let place = 0; place < candidates.length; place++) {
    const { value, conditions } = candidates[place] as Candidate<T>;
    if (conditions === undefined || conditions.met(request)) return value;
  }
  return undefined;
}

function nodeOf<T>(label: string, parent: Node<T> | undefined): Node<T> {
  const depth = (parent?.depth ?? 0) + label.length;
  return { label, depth, parent, children: undefined, exact: undefined, prefix: undefined };
}

function adopt<T>(parent: Node<T>, child: Node<T>): void {
  parent.children ??= new Map();
  parent.children.set(child.label.charCodeAt(0), child);
  child.parent = parent;
}

function sharedLength(label: string, key: string, offset: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === key.charCodeAt(offset + length)) length++;
  return length;
}

/** Puts a node above `child` that holds the first `length` characters of its label. */
function split<T>(parent: Node<T>, child: Node<T>, length: number): Node<T> {
  const upper = nodeOf(child.label.slice(0, length), parent);
  adopt(parent, upper);
  child.label = child.label.slice(length);
  adopt(upper, child);
  return upper;
}
