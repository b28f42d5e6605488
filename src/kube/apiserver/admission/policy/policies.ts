// ValidatingAdmissionPolicies in force: every write that one is about is put to its expressions.
// Knows verdicts and what follows from them. Upstream source: apiserver/pkg/admission/plugin/policy/validating.
import type {
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from 'kubernetes-types/admissionregistration/v1.js';
import { type CompiledCheck, type CompiledPolicy, compilePolicy } from '#kube/api/admission/policy.ts';
import { celValue, DYN } from '#kube/api/cel/index.ts';
import type { ServerContext } from '../../context.ts';
import type { AnyObject } from '../../registry/any-object.ts';
import { activationOf } from '../activation.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { shownAs } from '../match.ts';
import { AuditNotes } from './audit-notes.ts';
import { type Bound, boundPolicies, failsClosed, nameOfPolicy, paramsOfBound } from './bound.ts';
import { denied } from './denied.ts';
import { ParamsError } from './params.ts';
import { Run } from './run.ts';

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
  /** Which of the policy's expressions it is; -1: none. */
  readonly index: number;
  /** Whether the expression could not be run. */
  readonly failed: boolean;
}

/** Undefined where no policy has a say. Rejects with `StatusError` where one denies. */
export function applyPolicies(server: ServerContext, attributes: AdmissionAttributes): Promise<void> | undefined {
  const bound = boundPolicies(server, attributes, 'validating');
  return bound.length === 0 ? undefined : judgeBy(server, attributes, bound);
}

/** All of them, whatever the first says: what they write down or warn of is not lost by a denial. */
async function judgeBy(server: ServerContext, attributes: AdmissionAttributes, bound: readonly Bound[]): Promise<void> {
  const denials: { readonly message: string; readonly reason: string }[] = [];
  const notes = new AuditNotes();
  for (const each of bound) {
    const params = await paramsOfBound(server, attributes, each);
    const by = `ValidatingAdmissionPolicy '${nameOfPolicy(each.policy)}'`;
    if (params instanceof ParamsError) {
      const names = params.ofPolicy ? by : `${by} with binding '${nameOfPolicy(each.binding)}'`;
      if (failsClosed(each)) denials.push({ message: `${names} denied request: ${params.message}`, reason: 'Invalid' });
      continue;
    }
    const shown = await shownAs(attributes, each.matched);
    const names = `${by} with binding '${nameOfPolicy(each.binding)}'`;
    for (const param of params) {
      for (const verdict of judge(server, shown, each, param, notes)) {
        const denial = follow(server, attributes, each, verdict, names);
        if (denial) denials.push({ message: `${names} denied request: ${verdict.message}`, reason: verdict.reason });
      }
    }
  }
  notes.publish(attributes.annotate);
  const [first] = denials;
  if (first !== undefined) throw denied(attributes, first.message, first.reason);
}

/** What its binding says is done about a verdict; true: the request is denied. */
function follow(
  server: ServerContext,
  { warnings, annotate }: AdmissionAttributes,
  { policy, binding }: Bound,
  { message, index, failed }: Verdict,
  names: string,
): boolean {
  const { validationActions = [], policyName } = binding.spec as unknown as ValidatingAdmissionPolicyBindingSpec;
  const count = (action: string): void =>
    server.metrics.admission.policyChecked('validating', {
      policy: nameOfPolicy(policy),
      binding: nameOfPolicy(binding),
      error: failed ? 'invalid_error' : 'no_error',
      action,
    });
  // Expressions of audit annotations that fail have no action of a binding.
  if (index < 0) {
    count('deny');
    return true;
  }
  if (validationActions.includes('Warn')) {
    warnings.push(`Validation failed for ${names}: ${message}`);
    count('warn');
  }
  if (validationActions.includes('Audit')) {
    const failure = { message, policy: policyName, binding: nameOfPolicy(binding), expressionIndex: index };
    annotate(
      'validation.policy.admission.k8s.io/validation_failure',
      JSON.stringify([{ ...failure, validationActions }]),
    );
    count('audit');
  }
  if (!validationActions.includes('Deny')) return false;
  count('deny');
  return true;
}

function judge(
  server: ServerContext,
  shown: AdmissionAttributes,
  bound: Bound,
  param: AnyObject | null,
  notes: AuditNotes,
): Verdict[] {
  const fails = failsClosed(bound);
  const policy = compiled(bound.policy);
  const run = new Run(policy, activationOf(server, shown).set('params', celValue(param, DYN)));
  const applies = run.conditions();
  if (typeof applies !== 'boolean') {
    return fails ? [{ message: applies.message, reason: 'Invalid', index: 0, failed: true }] : [];
  }
  if (!applies) return [];
  const verdicts = policy.checks.flatMap((check, index): Verdict[] => {
    try {
      if (run.value(check.program) === true) return [];
      return [{ message: messageOf(run, check), reason: check.reason, index, failed: false }];
    } catch (error) {
      const message = `expression '${check.expression}' resulted in error: ${(error as Error).message}`;
      return fails ? [{ message, reason: 'Invalid', index, failed: true }] : [];
    }
  });
  for (const { key, expression, program } of policy.annotations) {
    try {
      notes.add(nameOfPolicy(bound.policy), key, run.value(program));
    } catch (error) {
      const message = `expression '${expression}' resulted in error: ${(error as Error).message}`;
      if (fails) verdicts.push({ message, reason: 'Invalid', index: -1, failed: true });
    }
  }
  return verdicts;
}

function messageOf(run: Run, { message, messageProgram, expression }: CompiledCheck): string {
  if (messageProgram !== undefined) {
    try {
      const text = run.value(messageProgram);
      if (typeof text === 'string' && text.trim() !== '' && !text.includes('\n')) return text.trim();
    } catch {
      // Whatever is wrong with the message, the request is refused.
    }
  }
  return message ?? `failed expression: ${expression.trim()}`;
}
