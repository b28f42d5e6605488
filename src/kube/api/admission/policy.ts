// A policy of admission as programs: compiled once, for validation to judge and for the server to run.
// Knows policies and expressions; what is done with a verdict is the server's matter.
import type {
  MatchCondition,
  ParamKind,
  ValidatingAdmissionPolicySpec,
  Variable,
} from 'kubernetes-types/admissionregistration/v1.js';
import { DYN, type Program, type Type } from '../cel/index.ts';
import { compileForAdmission } from './environment.ts';

export type Compiled = Program | { readonly issue: string };

export interface CompiledCheck {
  readonly expression: string;
  readonly program: Compiled;
  readonly message: string | undefined;
  readonly messageProgram: Compiled | undefined;
  readonly reason: string;
}

interface Named {
  readonly name: string;
  readonly program: Compiled;
}

/** What every policy has, whatever it does. */
export interface SharedPrograms {
  readonly variables: readonly Named[];
  readonly conditions: readonly Named[];
}

export interface CompiledPolicy extends SharedPrograms {
  readonly checks: readonly CompiledCheck[];
  readonly annotations: readonly { readonly key: string; readonly expression: string; readonly program: Compiled }[];
}

interface SharedSpec {
  readonly paramKind?: ParamKind;
  readonly matchConditions?: readonly MatchCondition[];
  readonly variables?: readonly Variable[];
}

/** `compile` is for what sees the variables, and is asked when they are there. */
export function compileShared(
  spec: SharedSpec,
  object?: Type,
): SharedPrograms & { readonly compile: (text: string, patches?: boolean) => Compiled } {
  const types = new Map<string, Type>();
  // What has not been validated may lack an expression.
  const compile = (text: string | undefined, patches = false): Compiled =>
    compileForAdmission(text ?? '', {
      params: spec.paramKind !== undefined,
      variables: types,
      patches,
      ...(object === undefined ? {} : { object }),
    });
  const conditions = (spec.matchConditions ?? []).map(({ name, expression }) => ({
    name,
    program: compile(expression),
  }));
  const variables = (spec.variables ?? []).map(({ name, expression }) => {
    const program = compile(expression);
    // Each sees those before it.
    types.set(name, 'issue' in program ? DYN : program.result);
    return { name, program };
  });
  return { variables, conditions, compile };
}

/** `object` is the type of the objects that are judged, where one is known. */
export function compilePolicy(spec: ValidatingAdmissionPolicySpec, object?: Type): CompiledPolicy {
  const { compile, ...shared } = compileShared(spec, object);
  return {
    ...shared,
    checks: (spec.validations ?? []).map(({ expression, message, messageExpression, reason }) => ({
      expression: expression ?? '',
      program: compile(expression ?? ''),
      message: message?.trim() || undefined,
      messageProgram: messageExpression?.trim() ? compile(messageExpression) : undefined,
      reason: reason ?? 'Invalid',
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: valueExpression,
      program: compile(valueExpression),
    })),
  };
}
