// ValidatingAdmissionPolicies in force: every write that one is about is put to its expressions.
// Knows policies, bindings and parameters. Upstream source: apiserver/pkg/admission/plugin/policy/validating.
import type {
  ParamRef,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from 'kubernetes-types/admissionregistration/v1.js';
import { type Compiled, type CompiledCheck, type CompiledPolicy, compilePolicy } from '#kube/api/admission/policy.ts';
import { CelError, celValue, DYN, Fields, type Value } from '#kube/api/cel/index.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { ServerContext } from '../../context.ts';
import type { AnyObject } from '../../registry/any-object.ts';
import { activationOf } from '../activation.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { matchResources } from '../match.ts';
import { denied } from './denied.ts';

/** What all expressions of one policy may cost for one write; units of CEL's cost. */
const POLICY_BUDGET = 10_000_000;

const compiledOf = new WeakMap<AnyObject, CompiledPolicy>();

function compiled(policy: AnyObject): CompiledPolicy {
  const known = compiledOf.get(policy);
  if (known !== undefined) return known;
  const made = compilePolicy(policy.spec as ValidatingAdmissionPolicySpec);
  compiledOf.set(policy, made);
  return made;
}

interface Verdict {
  readonly message: string;
  readonly reason: string;
}

/** Throws `StatusError` where a policy denies; adds to `warnings` where one warns. */
export function applyPolicies(server: ServerContext, attributes: AdmissionAttributes, warnings: string[]): void {
  const { registry } = server;
  const group = 'admissionregistration.k8s.io';
  const policies = registry.builtin(group, 'v1', 'validatingadmissionpolicies').collection;
  const bindings = registry.builtin(group, 'v1', 'validatingadmissionpolicybindings').collection.list();
  for (const { object: binding } of bindings) {
    const how = binding.spec as unknown as ValidatingAdmissionPolicyBindingSpec;
    const { policyName = '', matchResources: narrower, validationActions = [], paramRef } = how;
    const policy = policies.get(undefined, policyName)?.object;
    if (policy === undefined) continue;
    const spec = policy.spec as ValidatingAdmissionPolicySpec;
    const matched = matchResources(server, attributes, spec.matchConstraints ?? {});
    if (matched === undefined || matchResources(server, attributes, narrower) === undefined) continue;
    const activation = activationOf(server, attributes, matched.resource);
    const verdicts = judge(server, attributes, { policy, spec, paramRef, activation });
    const names = `'${policy.metadata?.name}' with binding '${binding.metadata?.name}'`;
    for (const { message, reason } of verdicts) {
      if (validationActions.includes('Deny')) {
        throw denied(attributes, `ValidatingAdmissionPolicy ${names} denied request: ${message}`, reason);
      }
      if (validationActions.includes('Warn')) {
        warnings.push(`Validation failed for ValidatingAdmissionPolicy ${names}: ${message}`);
      }
      if (validationActions.includes('Audit')) {
        server.log.info(
          { policy: policy.metadata?.name, binding: binding.metadata?.name, message },
          'A policy would have denied a request',
        );
      }
    }
  }
}

interface Case {
  readonly policy: AnyObject;
  readonly spec: ValidatingAdmissionPolicySpec;
  readonly paramRef: ParamRef | undefined;
  readonly activation: Map<string, Value>;
}

function judge(
  server: ServerContext,
  attributes: AdmissionAttributes,
  { policy, spec, paramRef, activation }: Case,
): Verdict[] {
  const fails = spec.failurePolicy !== 'Ignore';
  const failure = (message: string): Verdict[] => (fails ? [{ message, reason: 'Invalid' }] : []);
  const params = paramsOf(server, attributes, spec, paramRef);
  if (typeof params === 'string') return failure(params);
  return params.flatMap((param) => {
    const run = new Run(compiled(policy), new Map(activation).set('params', celValue(param, DYN)));
    const applies = run.conditions();
    if (typeof applies !== 'boolean') return failure(applies.message);
    return applies ? run.checks(fails) : [];
  });
}

/** Objects of parameters, one null where a policy has none; or why they cannot be had. */
function paramsOf(
  server: ServerContext,
  { namespace }: AdmissionAttributes,
  { paramKind }: ValidatingAdmissionPolicySpec,
  ref: ParamRef | undefined,
): readonly (AnyObject | null)[] | string {
  if (paramKind === undefined) return [null];
  if (ref === undefined) return [null];
  const [group, version] = paramKind.apiVersion?.includes('/')
    ? (paramKind.apiVersion.split('/') as [string, string])
    : ['', paramKind.apiVersion ?? ''];
  const definition = server.registry
    .definitions()
    .find((each) => each.group === group && each.version === version && each.kind === paramKind.kind);
  const resource = definition && server.registry.find(group, version, definition.resource);
  if (resource === undefined) {
    return `failed to configure policy: failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`;
  }
  const where = resource.definition.namespaced ? ref.namespace || namespace : undefined;
  if (resource.definition.namespaced && where === undefined) {
    return 'failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources';
  }
  const found =
    ref.name !== undefined && ref.name !== ''
      ? [resource.collection.get(where, ref.name)]
      : resource.collection
          .list(where)
          .filter((item) => labelSelectorMatches(ref.selector ?? {}, item.object.metadata?.labels ?? {}));
  const objects = found.filter((item) => item !== undefined).map((item) => resource.view(item.object));
  if (objects.length > 0) return objects;
  if (ref.parameterNotFoundAction === 'Allow') return [];
  return 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
}

/** `variables.x`: evaluated when an expression asks, once. */
class Variables extends Fields {
  readonly isMap = false;
  readonly #run: Run;
  readonly #known = new Map<string, Value>();
  constructor(run: Run) {
    super();
    this.#run = run;
  }
  get(name: string): Value | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = this.#run.policy.variables.find((each) => each.name === name);
    if (found === undefined) return undefined;
    const value = this.#run.value(found.program);
    this.#known.set(name, value);
    return value;
  }
  keys(): readonly string[] {
    return this.#run.policy.variables.map(({ name }) => name);
  }
}

class Run {
  readonly policy: CompiledPolicy;
  readonly #activation: Map<string, Value>;
  #left = POLICY_BUDGET;

  constructor(policy: CompiledPolicy, activation: Map<string, Value>) {
    this.policy = policy;
    this.#activation = activation;
    activation.set('variables', new Variables(this));
  }

  /** Throws `CelError`. */
  value(program: Compiled): Value {
    if ('issue' in program) throw new CelError(`compilation error: ${program.issue}`);
    const outcome = program.evaluate(this.#activation);
    this.#left -= outcome.cost;
    if (this.#left < 0)
      throw new CelError(
        'validation failed due to running out of cost budget, no further validation rules will be run',
      );
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Whether all match conditions hold; a false one decides over those that fail. */
  conditions(): boolean | CelError {
    let failure: CelError | undefined;
    for (const { name, program } of this.policy.conditions) {
      try {
        if (this.value(program) !== true) return false;
      } catch (error) {
        failure ??= new CelError(`failed to evaluate match condition '${name}': ${(error as Error).message}`);
      }
    }
    return failure ?? true;
  }

  checks(fails: boolean): Verdict[] {
    return this.policy.checks.flatMap((check): Verdict[] => {
      try {
        return this.value(check.program) === true ? [] : [{ message: this.#message(check), reason: check.reason }];
      } catch (error) {
        if (!fails) return [];
        const message = `expression '${check.expression}' resulted in error: ${(error as Error).message}`;
        return [{ message, reason: 'Invalid' }];
      }
    });
  }

  #message({ message, messageProgram, expression }: CompiledCheck): string {
    if (messageProgram !== undefined) {
      try {
        const text = this.value(messageProgram);
        if (typeof text === 'string' && text.trim() !== '' && !text.includes('\n')) return text.trim();
      } catch {
        // Whatever is wrong with the message, the request is refused.
      }
    }
    return message ?? `failed expression: ${expression.trim()}`;
  }
}
