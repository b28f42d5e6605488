// Finds the route of a request: a radix trie over the characters of all paths of one virtual host.
// Knows no host and no cluster; without conditions a lookup is one walk along the path and allocates nothing.
import { type Matches, wholeMatch } from '#lib/linear-regex.ts';
import { nodeFor, type TrieNode, trieNode, withValue } from './path-trie.ts';
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

type Node<T> = TrieNode<Candidates<T>>;

interface RegexCandidate<T> extends Candidate<T> {
  readonly pattern: string;
  readonly matches: Matches;
}

const SLASH = 47;

/**
 * Exact wins over prefix, longer over shorter, and regular expressions come last (`precedence.ts`). A prefix ends only
 * where a path element ends, and its trailing slash does not count. Where every route of the best path asks for another
 * method, header or parameter, the next best path has its turn.
 */
export class PathTable<T> {
  readonly #root: Node<T>;
  readonly #regexes: readonly RegexCandidate<T>[];

  private constructor(root: Node<T>, regexes: readonly RegexCandidate<T>[]) {
    this.#root = root;
    this.#regexes = regexes;
  }

  /** Of two equal matches the first stays. */
  static of<T>(entries: Iterable<readonly [RouteMatch, T]>): PathTable<T> {
    const root: Node<T> = trieNode('', 0);
    const regexes: (readonly [RouteMatch, T])[] = [];
    for (const entry of [...entries].sort(([a], [b]) => byPrecedence(a, b))) {
      const [match, value] = entry;
      if (match.path.type === 'regex') {
        regexes.push(entry);
        continue;
      }
      const slot = match.path.type;
      const node = nodeFor(root, keyOf(match));
      node[slot] = appended(node[slot], candidateOf(match, value));
    }
    return new PathTable(root, regexesOf(regexes, []));
  }

  /**
   * The table when `all` are the matches of it; what stands at the paths of `changed`, which are the matches that have
   * come or gone, is made anew, and the rest is shared.
   */
  with<R extends RouteMatch>(
    changed: Iterable<RouteMatch>,
    all: readonly R[],
    entryFor: (match: R) => T,
  ): PathTable<T> {
    const found = { exact: new Map<string, R[]>(), prefix: new Map<string, R[]>() };
    const regexes: R[] = [];
    let patterns = false;
    for (const match of changed) {
      if (match.path.type === 'regex') patterns = true;
      else found[match.path.type].set(keyOf(match), []);
    }
    for (const match of all) {
      if (match.path.type !== 'regex') found[match.path.type].get(keyOf(match))?.push(match);
      else if (patterns) regexes.push(match);
    }
    let root = this.#root;
    for (const slot of ['exact', 'prefix'] as const) {
      for (const [key, matches] of found[slot]) {
        let candidates: Candidates<T> | undefined;
        for (const match of matches.sort(byPrecedence)) {
          candidates = appended(candidates, candidateOf(match, entryFor(match)));
        }
        root = withValue(root, key, slot, candidates);
      }
    }
    if (!patterns) return new PathTable(root, this.#regexes);
    const sorted = regexes.sort(byPrecedence).map((match) => [match, entryFor(match)] as const);
    return new PathTable(root, regexesOf(sorted, this.#regexes));
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
    for (let node: Node<T> | undefined = best; node !== undefined; node = this.#shorter(node.depth, path, end)) {
      const found = node.prefix === undefined ? undefined : first(node.prefix, request);
      if (found !== undefined) return found;
    }
    if (this.#regexes.length === 0) return undefined;
    const bare = path.slice(0, end);
    for (const { matches, conditions, value } of this.#regexes) {
      if ((conditions === undefined || conditions.met(request)) && matches(bare)) return value;
    }
    return undefined;
  }

  /** The node of the longest prefix that has fewer than `depth` characters: one more walk, for the few that need it. */
  #shorter(depth: number, path: string, end: number): Node<T> | undefined {
    if (depth === 0) return undefined;
    let best = this.#root;
    let node: Node<T> | undefined = best;
    while (node !== undefined && node.depth < depth) {
      const at: number = node.depth;
      // `/a` stands above `/ab` in the trie, and is no prefix of it.
      if (node.prefix !== undefined && (at === end || at === 0 || path.charCodeAt(at) === SLASH)) best = node;
      node = node.children?.get(path.charCodeAt(at));
    }
    return best;
  }
}

function keyOf({ path }: RouteMatch): string {
  return path.type === 'prefix' ? prefixKey(path.value) : path.value;
}

function candidateOf<T>(match: RouteMatch, value: T): Candidate<T> {
  return { value, conditions: RouteConditions.of(match) };
}

/** In order of precedence; patterns that `before` has are not compiled again. */
function regexesOf<T>(
  sorted: readonly (readonly [RouteMatch, T])[],
  before: readonly RegexCandidate<T>[],
): readonly RegexCandidate<T>[] {
  const known = new Map<string, ReturnType<typeof wholeMatch>>(
    before.map(({ pattern, matches }) => [pattern, matches]),
  );
  return sorted.flatMap(([match, value]) => {
    const pattern = match.path.value;
    const matches = known.get(pattern) ?? wholeMatch(pattern);
    known.set(pattern, matches);
    // Whoever wrote the model has been told; a pattern that is none matches nothing.
    return 'error' in matches ? [] : [{ ...candidateOf(match, value), pattern, matches }];
  });
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
