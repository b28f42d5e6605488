// The door of this room: custom resources' schemas, what they default, and what they allow.
// Re-exports only.
export { applyStructuralDefaults, hasDefaults } from './defaults.ts';
export { validateFieldPath } from './field-path.ts';
export { pruneStructural } from './prune.ts';
export { type CompiledRule, checkRules, compileRule, compileRules, type RuleNode } from './rules.ts';
export { readStructural, type Structural, structuralAt, type ValidationRule } from './structural.ts';
export { blockingCause, validateCustom } from './validate.ts';
