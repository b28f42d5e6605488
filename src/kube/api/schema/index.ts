// The door of this room: schemas of the built-in kinds, and holding objects against a schema.
// Re-exports only.
export { definition, definitionNameOf, schemaFor } from './builtin.ts';
export { schemaFromCustom } from './custom.ts';
export { type Decoded, decodeObject, type FieldValidation } from './decode.ts';
export { normalize } from './normalize.ts';
export type { FieldFacts, PatchStrategy, Schema, SchemaFormat, SchemaType } from './schema.ts';
export { type StructuralIssue, structuralCauses, validateStructure } from './validate.ts';
