// The door of this room: expressions in CEL, compiled against types, run within a budget.
// Re-exports only.
export { CelCancelled } from './budget.ts';
export { celValue } from './json-value.ts';
export { compileProgram, type Program } from './program.ts';
export { MAX_REQUEST_BYTES, schemaType } from './schema-type.ts';
export { DYN, formatType, optionalOf, type Type } from './types.ts';
export { Optional, type Value } from './values.ts';
