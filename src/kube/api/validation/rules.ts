// What a kind brings to validation, and the options that reach every rule.
// Knows no kind.
import type { KubeObject } from '../object.ts';
import type { TextRule } from './names.ts';
import type { Report } from './report.ts';

export interface ValidationOptions {
  /** Admit 127/8 endpoint addresses, which is how pods of a loopback network are reached. Default false, as upstream. */
  admitLoopback?: boolean;
}

export interface KindRules {
  /** Rule for the object's name; an RFC 1123 subdomain when absent. */
  readonly name?: TextRule;
  validate?(object: KubeObject, report: Report, options: ValidationOptions): void;
  /** What holds for new objects only; runs after `validate`. */
  validateCreate?(object: KubeObject, report: Report, options: ValidationOptions): void;
  /** What may not change; runs after `validate`. */
  validateUpdate?(next: KubeObject, previous: KubeObject, report: Report, options: ValidationOptions): void;
}

/** Rules of one kind, typed by it; the cast is safe because the table of rules is keyed by kind. */
export function rulesFor<T extends KubeObject>(rules: {
  name?: TextRule;
  validate?(object: T, report: Report, options: ValidationOptions): void;
  validateCreate?(object: T, report: Report, options: ValidationOptions): void;
  validateUpdate?(next: T, previous: T, report: Report, options: ValidationOptions): void;
}): KindRules {
  return rules as unknown as KindRules;
}
