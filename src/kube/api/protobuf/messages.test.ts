// The table of messages against the schemas: every field that JSON has must have a number.
// Knows both tables; bytes are the matter of the other tests.
import { expect, it } from 'vitest';
import { builtinResources } from '../resources.ts';
import { definition, schemaFor } from '../schema/index.ts';
import type { Schema } from '../schema/schema.ts';
import { type Message, messageNamed, messageNames, messageOf } from './messages.ts';

/** Where the types of JSON and of this wire are rightly two. */
const OTHER_TYPE: Readonly<Record<string, string>> = {
  'apiextensions.v1.CustomResourceSubresources.status': 'a message without fields, which JSON schemas call an object',
  'authentication.v1.UserInfo.extra': 'lists of texts are messages as values of a map',
  'certificates.v1.CertificateSigningRequestSpec.extra': 'lists of texts are messages as values of a map',
  'authorization.v1.SubjectAccessReviewSpec.extra': 'lists of texts are messages as values of a map',
};

function jsonFields(message: Message): Map<string, { type: string; shape: string }> {
  const fields = new Map<string, { type: string; shape: string }>();
  for (const field of message.descending) {
    if (field.json !== '') fields.set(field.json, field);
    else for (const [name, inner] of jsonFields(messageNamed(field.type) as Message)) fields.set(name, inner);
  }
  return fields;
}

/** How the table says what a schema says. */
function expected(schema: Schema): { type: string; shape: string } {
  if (schema.type === 'array') return { ...expected(schema.items as Schema), shape: 'list' };
  if (schema.additionalProperties !== undefined) return { ...expected(schema.additionalProperties), shape: 'map' };
  return { type: typeOf(schema), shape: 'one' };
}

const BY_FORMAT: Readonly<Record<string, string>> = {
  byte: 'bytes',
  'date-time': 'time',
  'micro-time': 'microTime',
  quantity: 'quantity',
  'int-or-string': 'intOrString',
  int32: 'int32',
  int64: 'int64',
  double: 'double',
  json: 'json',
  raw: 'json',
  fields: 'json',
  'schema-or-array': 'schemaOrArray',
  'schema-or-bool': 'schemaOrBool',
  'schema-or-strings': 'schemaOrStrings',
};

function typeOf(schema: Schema): string {
  if (schema.ref !== undefined) return schema.ref;
  if (schema.format !== undefined) return BY_FORMAT[schema.format] ?? schema.format;
  return schema.type === 'boolean' ? 'bool' : schema.type;
}

it('has a message for every served kind and for every list of it', () => {
  for (const { group, version, kind, verbs } of builtinResources) {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    expect(messageOf(apiVersion, kind), kind).toBeDefined();
    if (verbs.includes('list')) expect(messageOf(apiVersion, `${kind}List`), `${kind}List`).toBeDefined();
  }
});

it.each(messageNames().filter((name) => definition(name) !== undefined))('%s has every field of its schema', (name) => {
  const schema = definition(name) as Schema;
  const fields = jsonFields(messageNamed(name) as Message);
  const isKind =
    schemaFor('v1', name.split('.').at(-1) ?? '') !== undefined || schema.properties?.apiVersion !== undefined;
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    // The envelope carries them; a message with numbers for them (references) is compared like any other.
    if (isKind && ['apiVersion', 'kind'].includes(property) && !fields.has(property)) continue;
    const field = fields.get(property);
    expect(field, `${name}.${property}`).toBeDefined();
    if (OTHER_TYPE[`${name}.${property}`] !== undefined) continue;
    expect({ type: field?.type, shape: field?.shape }, `${name}.${property}`).toEqual(expected(inner));
  }
});

it('lists no exception that is none', () => {
  for (const path of Object.keys(OTHER_TYPE)) {
    const dot = path.lastIndexOf('.');
    expect(definition(path.slice(0, dot))?.properties, path).toHaveProperty(path.slice(dot + 1));
    const field = jsonFields(messageNamed(path.slice(0, dot)) as Message).get(path.slice(dot + 1));
    expect(field, path).toBeDefined();
  }
});

it('reads no message from a name that objects have of their own', () => {
  for (const name of ['constructor', '__proto__', 'toString']) expect(messageNamed(name)).toBeUndefined();
});
