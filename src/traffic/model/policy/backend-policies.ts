// All BackendPolicies together: which is heard for which target, and what each is told of its targets.
// Pure; of two for one target the older is heard. One that cannot be read is heard nowhere and costs nobody else anything.
import type { BackendPolicy, BackendPolicySpec, PolicyTarget } from '#kube/api/backend-policy/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { jsonEqual } from '#lib/json.ts';
import { byAge } from '../gateway/age.ts';
import { attempt } from '../gateway/attempt.ts';
import type { Fault } from '../gateway/conditions.ts';
import type { ClusterChanges } from './changes.ts';
import { faultsOf, originsOf } from './check-settings.ts';
import { changesOf } from './read-settings.ts';

export type TargetKind = 'Service' | 'HTTPRoute' | 'GRPCRoute';

export interface Claim {
  readonly target: PolicyTarget;
  /** Another policy has the target, or this one cannot be used. */
  readonly fault: Fault | undefined;
}

export interface PolicyView {
  readonly key: string;
  readonly policy: BackendPolicy;
  readonly claims: readonly Claim[];
}

interface Held {
  readonly by: string;
  readonly changes: ClusterChanges;
}

const KINDS: readonly string[] = ['Service', 'HTTPRoute', 'GRPCRoute'];
/** The whole object. */
const WHOLE = '';

export class BackendPolicies {
  readonly views: readonly PolicyView[];
  /** By kind, key and section. */
  readonly #held = new Map<string, Held>();
  /** Keys of the policies, by kind and key of what they are for. */
  readonly #by = new Map<string, Set<string>>();

  constructor(policies: readonly BackendPolicy[]) {
    this.views = policies.toSorted(byAge).flatMap((policy) => attempt(() => this.#add(policy)) ?? []);
  }

  /** What is said of the Service as a whole, or of one of its ports. */
  ofService(key: string, port = WHOLE): ClusterChanges | undefined {
    return this.#held.get(placeOf('Service', key, port))?.changes;
  }

  /** What is said of a route as a whole, or of one of its rules. */
  ofRoute(kind: 'HTTPRoute' | 'GRPCRoute', key: string, rule = WHOLE): ClusterChanges | undefined {
    return this.#held.get(placeOf(kind, key, rule))?.changes;
  }

  /** Keys of the policies that say something of the object. */
  affecting(kind: TargetKind, key: string): readonly string[] {
    return [...(this.#by.get(`${kind} ${key}`) ?? [])].sort();
  }

  /** Targets of which this and `other` say something different. */
  targetsThatDiffer(other: BackendPolicies): readonly { readonly kind: TargetKind; readonly key: string }[] {
    const found = new Map<string, { readonly kind: TargetKind; readonly key: string }>();
    for (const place of new Set([...this.#held.keys(), ...other.#held.keys()])) {
      if (jsonEqual(this.#held.get(place), other.#held.get(place))) continue;
      const [kind, key = ''] = place.split(' ');
      found.set(`${kind} ${key}`, { kind: kind as TargetKind, key });
    }
    return [...found.values()];
  }

  #add(policy: BackendPolicy): PolicyView {
    const key = objectKey(policy);
    const namespace = policy.metadata?.namespace ?? '';
    const { targetRefs = [], ...settings } = policy.spec ?? {};
    const read = attempt(() => changesOfPolicy(settings, key)) ?? {
      fault: { reason: 'Invalid', message: 'Its settings cannot be read: see "kubectl explain backendpolicy.spec"' },
    };
    const claims = targetRefs.map((target): Claim => {
      const strange = strangeTarget(target);
      if (strange !== undefined) return { target, fault: strange };
      if ('fault' in read) return { target, fault: read.fault };
      const place = placeOf(target.kind as TargetKind, `${namespace}/${target.name}`, target.sectionName ?? WHOLE);
      const before = this.#held.get(place);
      if (before === undefined) {
        this.#held.set(place, { by: key, changes: read.changes });
        const object = `${target.kind} ${namespace}/${target.name}`;
        this.#by.set(object, (this.#by.get(object) ?? new Set()).add(key));
      }
      if (before !== undefined && before.by !== key) return { target, fault: conflict(target, before.by) };
      return { target, fault: undefined };
    });
    return { key, policy, claims };
  }
}

function placeOf(kind: TargetKind, key: string, section: string): string {
  return `${kind} ${key} ${section}`;
}

function changesOfPolicy(
  settings: BackendPolicySpec,
  key: string,
): { readonly changes: ClusterChanges } | { readonly fault: Fault } {
  const faults = faultsOf(settings as Readonly<Record<string, unknown>>);
  if (faults.length > 0) {
    const told = faults.map(({ message }) => `spec.${message}`).join('; ');
    return { fault: { reason: 'Invalid', message: `${told}. Until then nothing of the policy is heard` } };
  }
  const origins = originsOf(settings as Readonly<Record<string, unknown>>, () => `BackendPolicy ${key}`);
  if (Object.keys(origins).length === 0)
    return { fault: { reason: 'Invalid', message: 'The policy says nothing: add a setting' } };
  return { changes: { ...changesOf(settings, `BackendPolicy ${key}`), origins } };
}

function strangeTarget({ group = '', kind, name }: PolicyTarget): Fault | undefined {
  const wanted = kind === 'Service' ? '' : 'gateway.networking.k8s.io';
  if (KINDS.includes(kind) && group === wanted && typeof name === 'string') return undefined;
  const message = `${kind} "${name}" of group "${group}" cannot have a BackendPolicy: name a Service (group ""), or an HTTPRoute or GRPCRoute (group "gateway.networking.k8s.io")`;
  return { reason: 'Invalid', message };
}

function conflict({ kind, name, sectionName }: PolicyTarget, other: string): Fault {
  const what = `${kind} "${name}"${sectionName === undefined ? '' : `, "${sectionName}"`}`;
  return {
    reason: 'Conflicted',
    message: `${what} is that of the older BackendPolicy "${other}": remove the target from one of the two`,
  };
}
