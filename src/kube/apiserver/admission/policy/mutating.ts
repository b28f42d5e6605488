// MutatingAdmissionPolicies in force: every write that one is about is changed as its expressions say.
// Knows policies and their mutations; in which order plugins come is mutation.ts. Upstream source: plugin/policy/mutating.
import { applyConfiguration, applyJsonPatch, MutationError } from '#kube/api/admission/apply-patch.ts';
import {
  type CompiledMutation,
  type CompiledMutations,
  compileMutations,
  expressionOf,
  type MutatingAdmissionPolicySpec,
} from '#kube/api/admission/mutating-policy.ts';
import { CelError, celValue, DYN } from '#kube/api/cel/index.ts';
import { StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import type { ServerContext } from '../../context.ts';
import { type AnyObject, mutableCopy } from '../../registry/any-object.ts';
import { convertBetween } from '../../registry/registry.ts';
import { decode } from '../../write/input.ts';
import { activationOf } from '../activation.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { shownAs } from '../match.ts';
import type { Reinvocation } from '../reinvocation.ts';
import { type Bound, failsClosed, nameOfPolicy, paramsOfBound } from './bound.ts';
import { ParamsError } from './params.ts';
import { Run } from './run.ts';

const compiledOf = new WeakMap<AnyObject, CompiledMutations>();

function compiled(policy: AnyObject): CompiledMutations {
  const known = compiledOf.get(policy);
  if (known !== undefined) return known;
  const made = compileMutations(policy.spec as MutatingAdmissionPolicySpec);
  compiledOf.set(policy, made);
  return made;
}

/** The object as the policies leave it. Rejects with `StatusError` where one fails that may not. */
export async function mutateByPolicies(
  server: ServerContext,
  attributes: AdmissionAttributes,
  bound: readonly Bound[],
  rounds: Reinvocation,
): Promise<AnyObject | undefined> {
  const members = rounds.plugin('policies');
  let { object } = attributes;
  members.start(object);
  const failures: string[] = [];
  for (const each of bound) {
    const params = await paramsOfBound(server, attributes, each);
    const names = `policy '${nameOfPolicy(each.policy)}' with binding '${nameOfPolicy(each.binding)}'`;
    const fail = (message: string, by = names): void => {
      if (failsClosed(each)) failures.push(`${by} denied request: ${message}`);
    };
    if (params instanceof ParamsError) {
      fail(params.message, params.ofPolicy ? `policy '${nameOfPolicy(each.policy)}'` : names);
      continue;
    }
    for (const param of params) {
      const now = object === attributes.object ? attributes : { ...attributes, object };
      const key = JSON.stringify([
        nameOfPolicy(each.policy),
        nameOfPolicy(each.binding),
        param?.metadata?.namespace,
        param?.metadata?.name,
      ]);
      const shown = await shownAs(now, each.matched);
      const run = new Run(compiled(each.policy), activationOf(server, shown).set('params', celValue(param, DYN)));
      const applies = run.conditions();
      if (typeof applies !== 'boolean') fail(applies.message);
      if (applies !== true || !members.isDue(key)) continue;
      const changed = mutateOnce(server, shown, each, run, fail);
      if (changed !== undefined && !jsonEqual(changed, shown.object)) {
        object = mutableCopy(await convertBetween(each.matched, attributes.resource, changed));
        members.changed();
      }
      const { reinvocationPolicy } = each.policy.spec as MutatingAdmissionPolicySpec;
      members.asked(key, reinvocationPolicy === 'IfNeeded');
    }
  }
  members.end(object);
  if (failures.length > 0) throw refused(attributes, failures);
  return object;
}

/** All mutations of one policy, in order; one that fails leaves the object to the next. */
function mutateOnce(
  server: ServerContext,
  shown: AdmissionAttributes,
  { policy, binding, matched }: Bound,
  run: Run,
  fail: (message: string) => void,
): AnyObject | undefined {
  let { object } = shown;
  if (object === undefined) return undefined;
  const { mutations = [] } = policy.spec as MutatingAdmissionPolicySpec;
  for (const [index, mutation] of compiled(policy).mutations.entries()) {
    let error = 'no_error';
    try {
      object = mutated(object, run, matched.schema(), mutation, expressionOf(mutations[index] ?? {}));
      decode(matched, object, 'Ignore', []);
      run.shows(celValue(object, DYN));
    } catch (failure) {
      if (!(failure instanceof MutationError) && !(failure instanceof StatusError)) throw failure;
      error = 'invalid_error';
      fail(failure.message);
    }
    const labels = { policy: nameOfPolicy(policy), binding: nameOfPolicy(binding) };
    const action = error === 'no_error' ? 'allow' : 'deny';
    server.metrics.admission.policyChecked('mutating', { ...labels, error, action });
  }
  return object;
}

/** Throws `MutationError`. */
function mutated(
  object: AnyObject,
  run: Run,
  schema: Parameters<typeof applyConfiguration>[2],
  { type, program }: CompiledMutation,
  text: string,
): AnyObject {
  let value: ReturnType<Run['value']>;
  try {
    value = run.value(program);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    const known = 'issue' in program;
    throw new MutationError(known ? error.message : `expression '${text}' resulted in error: ${error.message}`);
  }
  const next = type === 'JSONPatch' ? applyJsonPatch(object, value) : applyConfiguration(object, value, schema);
  return mutableCopy(next);
}

function refused({ resource, name }: AdmissionAttributes, failures: readonly string[]): StatusError {
  const { group, resource: plural } = resource.definition;
  return new StatusError(403, 'Invalid', failures[0] ?? '', {
    name,
    ...(group === '' ? {} : { group }),
    kind: plural,
    causes: failures.map((message) => ({ reason: '', message })),
  });
}
