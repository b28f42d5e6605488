// The authorizer over Roles, ClusterRoles and their bindings: indexed by subject, kept by following what is stored.
// Knows stored objects and rules; nothing of requests. Upstream source: plugin/pkg/auth/authorizer/rbac.
import type { PolicyRule, RoleRef, Subject } from 'kubernetes-types/rbac/v1.js';
import type { User } from '../http/authn.ts';
import { type AnyObject, digArray } from '../registry/any-object.ts';
import type { Change } from '../registry/collection.ts';
import type { Registry } from '../registry/registry.ts';
import { userPrefix } from '../service-accounts/claims.ts';
import type { Attributes } from './attributes.ts';
import type { Authorizer, Decision } from './authorizer.ts';
import { RuleIndex } from './rule-index.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** What a subject is bound to, in one namespace or (`''`) everywhere. */
interface Grant {
  readonly roleRef: RoleRef;
  /** `ClusterRoleBinding "a"`, `RoleBinding "b/ns"`. */
  readonly binding: string;
  /** `User "c"`. */
  readonly subject: string;
}

interface Rights {
  readonly index: RuleIndex;
  /** Roles that bindings name and that are not there. */
  readonly missing: readonly string[];
}

/** Rules that a user has, with the roles that could not be found. */
export interface UserRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

export class RbacAuthorizer implements Authorizer {
  /** Scope and subject -> binding's key -> grants. */
  readonly #grants = new Map<string, Map<string, Grant>>();
  /** Made when it is asked for, and forgotten with any change of a role or of the subject's bindings. */
  readonly #rights = new Map<string, Rights>();
  readonly #registry: Registry;
  readonly #stops: (() => void)[];

  constructor(registry: Registry) {
    this.#registry = registry;
    const collection = (resource: string) => registry.builtin(RBAC_GROUP, 'v1', resource).collection;
    for (const resource of ['clusterrolebindings', 'rolebindings']) {
      for (const { key, object } of collection(resource).list()) this.#bind(key, object);
    }
    const onBinding = ({ type, now, before }: Change): void => {
      if (before !== undefined) this.#unbind(before.key, before.object);
      if (type === 'put') this.#bind(now.key, now.object);
    };
    this.#stops = [
      ...['clusterrolebindings', 'rolebindings'].map((each) => collection(each).subscribe(onBinding)),
      ...['clusterroles', 'roles'].map((each) => collection(each).subscribe(() => this.#rights.clear())),
    ];
  }

  authorize(user: User, attributes: Attributes): Decision {
    const scopes = scopesOf(attributes.kind === 'resource' ? attributes.namespace : '');
    const missing: string[] = [];
    for (const scope of scopes) {
      for (const subject of subjectsOf(user)) {
        const rights = this.#rightsOf(scope + subject);
        if (rights === undefined) continue;
        const source = rights.index.find(attributes);
        if (source !== undefined) return { allowed: true, reason: `RBAC: allowed by ${source}` };
        missing.push(...rights.missing);
      }
    }
    return { allowed: false, reason: missing.length === 0 ? '' : `RBAC: ${aggregate(missing)}` };
  }

  /** Everything the user may do in a namespace; in `''` only what holds everywhere. */
  rulesFor(user: User, namespace: string): UserRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const scope of scopesOf(namespace)) {
      for (const subject of subjectsOf(user)) {
        const rights = this.#rightsOf(scope + subject);
        rules.push(...(rights?.index.rules() ?? []));
        errors.push(...(rights?.missing ?? []));
      }
    }
    return { rules, errors: [...new Set(errors)] };
  }

  /** The rules of a role; undefined when it is not there. `namespace` is that of a Role. */
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const cluster = roleRef.kind === 'ClusterRole';
    const { collection } = this.#registry.builtin(RBAC_GROUP, 'v1', cluster ? 'clusterroles' : 'roles');
    const role = collection.get(cluster ? undefined : namespace, roleRef.name)?.object;
    return role === undefined ? undefined : (digArray(role, 'rules') as PolicyRule[]);
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #rightsOf(key: string): Rights | undefined {
    const known = this.#rights.get(key);
    if (known !== undefined) return known;
    const grants = this.#grants.get(key);
    if (grants === undefined) return undefined;
    const index = new RuleIndex();
    const missing: string[] = [];
    const namespace = key.slice(0, key.indexOf('/'));
    for (const { roleRef, binding, subject } of grants.values()) {
      const rules = this.rulesOf(roleRef, namespace);
      if (rules === undefined) missing.push(missingRole(roleRef));
      else index.add(rules, `${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject}`);
    }
    const made = { index, missing };
    this.#rights.set(key, made);
    return made;
  }

  #bind(bindingKey: string, binding: AnyObject): void {
    const { name = '', namespace = '' } = binding.metadata ?? {};
    const text =
      namespace === ''
        ? `ClusterRoleBinding ${JSON.stringify(name)}`
        : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`;
    for (const [key, subject] of subjectKeys(binding)) {
      let grants = this.#grants.get(key);
      if (grants === undefined) {
        grants = new Map();
        this.#grants.set(key, grants);
      }
      grants.set(bindingKey, { roleRef: binding.roleRef as RoleRef, binding: text, subject });
      this.#rights.delete(key);
    }
  }

  #unbind(bindingKey: string, binding: AnyObject): void {
    for (const [key] of subjectKeys(binding)) {
      const grants = this.#grants.get(key);
      grants?.delete(bindingKey);
      if (grants?.size === 0) this.#grants.delete(key);
      this.#rights.delete(key);
    }
  }
}

/** Upstream's words for a binding whose role is not there. */
export function missingRole({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.${RBAC_GROUP} ${JSON.stringify(name)} not found`;
}

function aggregate(errors: readonly string[]): string {
  const each = [...new Set(errors)];
  return each.length === 1 ? (each[0] ?? '') : `[${each.join(', ')}]`;
}

function scopesOf(namespace: string): readonly string[] {
  return namespace === '' ? ['/'] : ['/', `${namespace}/`];
}

/** Keys of the user and of each group. A namespace has no slash in it, so that scope and subject cannot be confused. */
function* subjectsOf(user: User): Generator<string> {
  yield `u:${user.name}`;
  for (const group of user.groups) yield `g:${group}`;
}

function* subjectKeys(binding: AnyObject): Generator<readonly [key: string, words: string]> {
  const { namespace = '' } = binding.metadata ?? {};
  for (const subject of digArray(binding, 'subjects') as Subject[]) {
    const scope = `${namespace}/`;
    if (subject.kind === 'User') yield [`${scope}u:${subject.name}`, `User ${JSON.stringify(subject.name)}`];
    if (subject.kind === 'Group') yield [`${scope}g:${subject.name}`, `Group ${JSON.stringify(subject.name)}`];
    if (subject.kind !== 'ServiceAccount') continue;
    const of = subject.namespace ?? namespace;
    yield [`${scope}u:${userPrefix}${of}:${subject.name}`, `ServiceAccount ${JSON.stringify(`${subject.name}/${of}`)}`];
  }
}
