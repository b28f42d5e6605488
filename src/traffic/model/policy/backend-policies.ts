// All BackendPolicies together, and those of the Gateway API: which is heard for which target, and what each is told of its
// targets. Pure; of two of a kind for one target the older is heard, and a BackendPolicy has its way, setting by setting,
// with what the other kind says. One that cannot be read is heard nowhere and costs nobody else anything.
import type { BackendPolicy, BackendPolicySpec, PolicyTarget } from '#kube/api/backend-policy/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { jsonEqual } from '#lib/json.ts';
import { byAge } from '../gateway/age.ts';
import { attempt } from '../gateway/attempt.ts';
import type { Fault } from '../gateway/conditions.ts';
import { type ClusterChanges, overlayAll } from './changes.ts';
import { faultsOf, originsOf } from './check-settings.ts';
import { changesOf } from './read-settings.ts';
import { type BackendTrafficPolicy, changesOfTrafficPolicy, TRAFFIC_POLICY } from './traffic-policy.ts';

export type TargetKind = 'Service' | 'HTTPRoute' | 'GRPCRoute';

export type AnyPolicy = BackendPolicy | BackendTrafficPolicy;

export interface Claim {
  readonly target: PolicyTarget;
  /** Another policy has the target, or this one cannot be used. */
  readonly fault: Fault | undefined;
}

export interface PolicyView {
  readonly key: string;
  readonly kind: 'BackendPolicy' | typeof TRAFFIC_POLICY;
  readonly policy: AnyPolicy;
  readonly claims: readonly Claim[];
}

interface Held {
  readonly by: string;
  readonly changes: ClusterChanges;
}

const KINDS: readonly string[] = ['Service', 'HTTPRoute', 'GRPCRoute'];
/** The whole object. */
const WHOLE = '';
/** Begins the places of what the Gateway API's own policies say. */
const STANDARD = 'standard ';

export class BackendPolicies {
  readonly views: readonly PolicyView[];
  /** By kind, key and section. */
  readonly #held = new Map<string, Held>();
  /** Keys of the policies, by kind and key of what they are for. */
  readonly #by = new Map<string, Set<string>>();

  constructor(policies: readonly AnyPolicy[]) {
    this.views = policies.toSorted(byAge).flatMap((policy) => attempt(() => this.#add(policy)) ?? []);
  }

  /** What is said of the Service as a whole, or of one of its ports. */
  ofService(key: string, port = WHOLE): ClusterChanges | undefined {
    const place = placeOf('Service', key, port);
    return overlayAll([this.#held.get(STANDARD + place)?.changes, this.#held.get(place)?.changes]);
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
      const [kind, key = ''] = place.replace(STANDARD, '').split(' ');
      found.set(`${kind} ${key}`, { kind: kind as TargetKind, key });
    }
    return [...found.values()];
  }

  #add(policy: AnyPolicy): PolicyView {
    const key = objectKey(policy);
    const namespace = policy.metadata?.namespace ?? '';
    const kind = isStandard(policy) ? TRAFFIC_POLICY : 'BackendPolicy';
    const { targetRefs = [], ...settings } = policy.spec ?? {};
    const read = attempt(() =>
      isStandard(policy) ? changesOfTrafficPolicy(policy, key) : changesOfPolicy(settings as BackendPolicySpec, key),
    ) ?? {
      fault: {
        reason: 'Invalid',
        message: `Its settings cannot be read: see "kubectl explain ${kind.toLowerCase()}.spec"`,
      },
    };
    const claims = targetRefs.map((target: PolicyTarget): Claim => {
      const strange = strangeTarget(kind, target);
      if (strange !== undefined) return { target, fault: strange };
      if ('fault' in read) return { target, fault: read.fault };
      const own = placeOf(target.kind as TargetKind, `${namespace}/${target.name}`, target.sectionName ?? WHOLE);
      const place = isStandard(policy) ? STANDARD + own : own;
      const before = this.#held.get(place);
      if (before === undefined) {
        this.#held.set(place, { by: key, changes: read.changes });
        const object = `${target.kind} ${namespace}/${target.name}`;
        if (!isStandard(policy)) this.#by.set(object, (this.#by.get(object) ?? new Set()).add(key));
      }
      if (before !== undefined && before.by !== key) return { target, fault: conflict(kind, target, before.by) };
      return { target, fault: undefined };
    });
    return { key, kind, policy, claims };
  }
}

function isStandard(policy: AnyPolicy): policy is BackendTrafficPolicy {
  return policy.kind === TRAFFIC_POLICY;
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

function strangeTarget(policy: string, { group = '', kind, name }: PolicyTarget): Fault | undefined {
  const wanted = kind === 'Service' ? '' : 'gateway.networking.k8s.io';
  const kinds = policy === TRAFFIC_POLICY ? ['Service'] : KINDS;
  if (kinds.includes(kind) && group === wanted && typeof name === 'string') return undefined;
  if (policy === TRAFFIC_POLICY) {
    const message = `${kind} "${name}" of group "${group}" cannot have an ${TRAFFIC_POLICY}: name a Service (group "")`;
    return { reason: 'Invalid', message };
  }
  const message = `${kind} "${name}" of group "${group}" cannot have a BackendPolicy: name a Service (group ""), or an HTTPRoute or GRPCRoute (group "gateway.networking.k8s.io")`;
  return { reason: 'Invalid', message };
}

function conflict(policy: string, { kind, name, sectionName }: PolicyTarget, other: string): Fault {
  const what = `${kind} "${name}"${sectionName === undefined ? '' : `, "${sectionName}"`}`;
  return {
    reason: 'Conflicted',
    message: `${what} is that of the older ${policy} "${other}": remove the target from one of the two`,
  };
}
