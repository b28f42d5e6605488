// A set of paths into an object, as a trie; the unit in which ownership of fields is counted.
// Knows no schema. Immutable: every operation returns a new set. Upstream source: structured-merge-diff fieldpath.Set.
import { isJsonObject, type Json, type JsonObject } from '#lib/json.ts';
import { compareElements, type PathElement } from './path-element.ts';

const nothing: ReadonlySet<PathElement> = new Set();
const noChildren: ReadonlyMap<PathElement, FieldSet> = new Map();

export class FieldSet {
  /** Paths that end here. */
  readonly members: ReadonlySet<PathElement>;
  /** Paths that go on; a child is never empty. */
  readonly children: ReadonlyMap<PathElement, FieldSet>;

  static readonly empty: FieldSet = new FieldSet(nothing, noChildren);

  constructor(members: ReadonlySet<PathElement>, children: ReadonlyMap<PathElement, FieldSet>) {
    this.members = members;
    this.children = children;
  }

  static of(...paths: readonly (readonly PathElement[])[]): FieldSet {
    const builder = new FieldSetBuilder();
    for (const path of paths) builder.insert(path);
    return builder.build();
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0;
  }

  has(path: readonly PathElement[]): boolean {
    let set: FieldSet | undefined = this;
    for (const element of path.slice(0, -1)) set = set?.children.get(element);
    const last = path.at(-1);
    return last !== undefined && (set?.members.has(last) ?? false);
  }

  /** The paths below `element`, without it. */
  below(element: PathElement): FieldSet {
    return this.children.get(element) ?? FieldSet.empty;
  }

  union(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const children = new Map(this.children);
    for (const [element, set] of other.children) {
      const mine = children.get(element);
      children.set(element, mine === undefined ? set : mine.union(set));
    }
    return new FieldSet(new Set([...this.members, ...other.members]), children);
  }

  intersection(other: FieldSet): FieldSet {
    const members = new Set([...this.members].filter((element) => other.members.has(element)));
    return new FieldSet(
      members,
      this.#mapChildren((set, element) => set.intersection(other.below(element))),
    );
  }

  difference(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    const members = new Set([...this.members].filter((element) => !other.members.has(element)));
    return new FieldSet(
      members,
      this.#mapChildren((set, element) => set.difference(other.below(element))),
    );
  }

  /** Like `difference`, and whatever lies below a member of `other` goes too. */
  recursiveDifference(other: FieldSet): FieldSet {
    const members = new Set([...this.members].filter((element) => !other.members.has(element)));
    return new FieldSet(
      members,
      this.#mapChildren((set, element) =>
        other.members.has(element) ? FieldSet.empty : set.recursiveDifference(other.below(element)),
      ),
    );
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty && other.difference(this).isEmpty;
  }

  /** Every path, in upstream's order. */
  *paths(prefix: readonly PathElement[] = []): Generator<PathElement[]> {
    for (const element of this.#elements()) {
      if (this.members.has(element)) yield [...prefix, element];
      const child = this.children.get(element);
      if (child !== undefined) yield* child.paths([...prefix, element]);
    }
  }

  /** `fieldsV1` on the wire: nested objects keyed by step, `.` for a step that is itself owned. */
  toFieldsV1(): JsonObject {
    const out: JsonObject = {};
    for (const element of this.#elements()) {
      const below = this.children.get(element)?.toFieldsV1() ?? {};
      const ownedToo = this.members.has(element) && this.children.has(element);
      out[element] = ownedToo ? { '.': {}, ...below } : below;
    }
    return out;
  }

  /** Reads `fieldsV1`; throws when a step is not one, or a set is no object. */
  static fromFieldsV1(fields: Json | undefined): FieldSet {
    if (!isJsonObject(fields)) throw new Error(`Expected a set of fields, got ${JSON.stringify(fields)}`);
    return readFields(fields).set;
  }

  #elements(): PathElement[] {
    return [...new Set([...this.members, ...this.children.keys()])].sort(compareElements);
  }

  #mapChildren(change: (set: FieldSet, element: PathElement) => FieldSet): Map<PathElement, FieldSet> {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, set] of this.children) {
      const changed = change(set, element);
      if (!changed.isEmpty) children.set(element, changed);
    }
    return children;
  }
}

function readFields(fields: JsonObject): { set: FieldSet; self: boolean } {
  const members = new Set<PathElement>();
  const children = new Map<PathElement, FieldSet>();
  let self = false;
  for (const [element, value] of Object.entries(fields)) {
    if (element === '.') {
      self = true;
      continue;
    }
    if (!isElement(element) || !isJsonObject(value)) {
      throw new Error(`Expected a path element such as "f:name", got ${JSON.stringify(element)}`);
    }
    const below = readFields(value);
    if (below.self || below.set.isEmpty) members.add(element);
    if (!below.set.isEmpty) children.set(element, below.set);
  }
  return { set: new FieldSet(members, children), self };
}

function isElement(text: string): boolean {
  if (text.startsWith('f:')) return true;
  if (!/^[kvi]:/.test(text)) return false;
  try {
    JSON.parse(text.slice(2));
    return true;
  } catch {
    return false;
  }
}

/** Builds a set path by path; for walkers, which know paths one at a time. */
export class FieldSetBuilder {
  readonly #members = new Set<PathElement>();
  readonly #children = new Map<PathElement, FieldSetBuilder>();

  insert(path: readonly PathElement[]): void {
    let node: FieldSetBuilder = this;
    for (const element of path.slice(0, -1)) {
      let next = node.#children.get(element);
      if (next === undefined) {
        next = new FieldSetBuilder();
        node.#children.set(element, next);
      }
      node = next;
    }
    const last = path.at(-1);
    if (last !== undefined) node.#members.add(last);
  }

  build(): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, builder] of this.#children) children.set(element, builder.build());
    return new FieldSet(this.#members, children);
  }
}
