// What a route turned into: entries for virtual hosts, and what is wrong with parts of it.
// Data, and how faults of single rules are told.
import type { Route } from '../ir.ts';
import { routeProblems } from '../route-problems.ts';
import { type Fault, together } from './conditions.ts';

export interface RouteOutcome {
  /** In the order of rules and matches. */
  readonly routes: readonly Route[];
  /** Of references to Services. */
  readonly refFaults: readonly Fault[];
  /** Of values that cannot be served, by the number of the rule. */
  readonly ruleFaults: ReadonlyMap<number, readonly Fault[]>;
  readonly rules: number;
}

/** What nothing in the translation of a rule has noticed: the engine would answer 500. */
export function lateFaults(route: Route, field: string): readonly Fault[] {
  return routeProblems(route).map((text) => ({ reason: 'UnsupportedValue', message: `${field}: ${text}` }));
}

/** The whole route is worth nothing. */
export function wholeFault({ ruleFaults, rules }: RouteOutcome): Fault | undefined {
  if (rules === 0 || ruleFaults.size < rules) return undefined;
  return together([...ruleFaults.values()].flat());
}

/** Some of its rules are worth nothing. */
export function partFault(outcome: RouteOutcome): Fault | undefined {
  if (outcome.ruleFaults.size === 0 || wholeFault(outcome) !== undefined) return undefined;
  const rules = [...outcome.ruleFaults.keys()].join(', ');
  const told = together([...outcome.ruleFaults.values()].flat());
  return told === undefined ? undefined : { reason: told.reason, message: `Dropped Rule ${rules}: ${told.message}` };
}
