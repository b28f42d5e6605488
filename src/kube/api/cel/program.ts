// An expression ready to run: parsed, checked, its cost known, compiled once.
// Knows the steps; what variables there are is its caller's matter.
import { CelIssue, describeIssue } from './ast.ts';
import { Budget } from './budget.ts';
import { checkTypes } from './check.ts';
import { type Estimate, estimateCost } from './estimate.ts';
import { compileExpr } from './evaluate.ts';
import { baseFunctions, type FunctionTable } from './functions.ts';
import type { MessageTypes } from './messages.ts';
import { parseExpression } from './parse.ts';
import type { Type } from './types.ts';
import { CelError, type Value } from './values.ts';

/** The most that one expression may cost at run time. Upstream's PerCallLimit: about a tenth of a second. */
export const CALL_LIMIT = 1_000_000;

export interface Program {
  readonly result: Type;
  readonly cost: Estimate;
  /** Whether the expression speaks of a variable of that name. */
  uses(variable: string): boolean;
  /** Never throws: an error is a value here. `cost` is what it took. */
  evaluate(variables: ReadonlyMap<string, Value>): Evaluation;
}

export type Evaluation =
  | { readonly value: Value; readonly cost: number }
  | { readonly error: CelError; readonly cost: number };

export interface Environment {
  readonly variables: ReadonlyMap<string, Type>;
  /** Default: the base library. */
  readonly functions?: FunctionTable;
  /** Types of which the expression may write objects; default: none. */
  readonly messages?: MessageTypes;
  /** Default: `CALL_LIMIT`. */
  readonly callLimit?: number;
}

/** The program, or what is wrong with the text: lines as cel-go prints them. */
export function compileProgram(text: string, environment: Environment): Program | { readonly issue: string } {
  const { variables, functions = baseFunctions, callLimit = CALL_LIMIT, messages } = environment;
  try {
    const expr = parseExpression(text);
    const checked = checkTypes(expr, variables, functions, messages);
    const { run, slots } = compileExpr(expr, checked);
    const used = new Set<string>();
    for (const node of checked.types.keys()) if (node.kind === 'ident') used.add(node.name);
    return {
      result: checked.types.get(expr) as Type,
      cost: estimateCost(expr, checked),
      uses: (variable) => used.has(variable),
      evaluate(given) {
        const budget = new Budget(callLimit);
        try {
          return { value: run({ variables: given, slots: new Array<Value>(slots), budget }), cost: budget.spent };
        } catch (error) {
          return { error: asCelError(error), cost: budget.spent };
        }
      },
    };
  } catch (error) {
    if (error instanceof CelIssue) return { issue: describeIssue(text, error) };
    if (error instanceof RangeError)
      return { issue: describeIssue(text, new CelIssue('expression is nested too deep', 0)) };
    throw error;
  }
}

/** A rule that nests too deep, or asks for a text that is too long, fails by itself and not with the server. */
function asCelError(error: unknown): CelError {
  if (error instanceof CelError) return error;
  return new CelError(error instanceof Error ? error.message : String(error));
}
