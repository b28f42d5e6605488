// Many rules as one table, found by what they speak of instead of one after another.
// Knows rules and how they match; not whose they are. Upstream source: pkg/apis/rbac/v1/evaluation_helpers.go.
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Attributes, ResourceAttributes } from './attributes.ts';

/** A rule with the words that say where it comes from. */
interface Entry {
  readonly rule: PolicyRule;
  readonly source: string;
}

const ALL = '*';

export class RuleIndex {
  /** By group and resource as rules write them: `apps deployments`, `* *`; entries that allow the same stand once. */
  readonly #byResource = new Map<string, Map<string, Entry>>();
  readonly #paths: Entry[] = [];
  readonly #all: PolicyRule[] = [];

  add(rules: readonly PolicyRule[], source: string): void {
    for (const rule of rules) {
      const entry = { rule, source };
      this.#all.push(rule);
      const allows = JSON.stringify([rule.verbs, rule.resourceNames ?? []]);
      for (const group of rule.apiGroups ?? []) {
        for (const resource of rule.resources ?? []) {
          const key = `${group} ${resource}`;
          let entries = this.#byResource.get(key);
          if (entries === undefined) {
            entries = new Map();
            this.#byResource.set(key, entries);
          }
          if (!entries.has(allows)) entries.set(allows, entry);
        }
      }
      if ((rule.nonResourceURLs?.length ?? 0) > 0) this.#paths.push(entry);
    }
  }

  /** In the order they came. */
  rules(): readonly PolicyRule[] {
    return this.#all;
  }

  /** Where the first rule that allows it comes from; undefined when none does. */
  find(attributes: Attributes): string | undefined {
    if (attributes.kind === 'path') {
      const { verb, path } = attributes;
      return this.#paths.find(
        ({ rule }) => hasOrAll(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((url) => coversPath(url, path)),
      )?.source;
    }
    const { resource, subresource } = attributes;
    if (subresource === '') return this.#among(resource, attributes) ?? this.#among(ALL, attributes);
    return (
      this.#among(`${resource}/${subresource}`, attributes) ??
      this.#among(`${ALL}/${subresource}`, attributes) ??
      this.#among(ALL, attributes)
    );
  }

  #among(resource: string, attributes: ResourceAttributes): string | undefined {
    return this.#of(`${attributes.group} ${resource}`, attributes) ?? this.#of(`${ALL} ${resource}`, attributes);
  }

  #of(key: string, { verb, name }: ResourceAttributes): string | undefined {
    const entries = this.#byResource.get(key);
    if (entries === undefined) return undefined;
    for (const { rule, source } of entries.values()) {
      const names = rule.resourceNames ?? [];
      if (hasOrAll(rule.verbs, verb) && (names.length === 0 || names.includes(name))) return source;
    }
    return undefined;
  }
}

export function hasOrAll(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes(wanted) || list.includes(ALL));
}

/** `/apis/*` covers whatever begins with `/apis/`. */
export function coversPath(url: string, path: string): boolean {
  return url === path || (url.endsWith(ALL) && path.startsWith(url.replace(/\*+$/, '')));
}
