// The door of this room: expressions in CEL, compiled against types, run within a budget.
// Re-exports only.
export { CelCancelled } from './budget.ts';
export { withFunctions } from './functions.ts';
export { celValue, jsonOf } from './json-value.ts';
export { Message, type MessageType, type MessageTypes, misnamed } from './messages.ts';
export { compileProgram, type Program } from './program.ts';
export { MAX_REQUEST_BYTES, schemaType } from './schema-type.ts';
export { BOOL, DYN, formatType, optionalOf, STRING, type Type } from './types.ts';
export { CelError, Fields, Optional, type Value } from './values.ts';
