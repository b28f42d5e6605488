// The door of this room: custom resources' schemas, what they default, and what they allow.
// Re-exports only.
export { applyStructuralDefaults, hasDefaults } from './defaults.ts';
export { readStructural, type Structural, structuralAt } from './structural.ts';
export { blockingCause, validateCustom } from './validate.ts';
