// Versions of a definition: one of them stored, each with a schema, columns, subresources and selectable fields.
// Knows where upstream finds a mistake that all versions share: at the top of the spec, as its older API had it.
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from 'kubernetes-types/apiextensions/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { readStructural, validateFieldPath } from '../../custom/index.ts';
import { isRecord } from '../../schema/schema.ts';
import { dns1035Label } from '../names.ts';
import { at, child, type FieldPath, Report } from '../report.ts';
import { validateDefaults } from './defaults.ts';
import { validateExpressions } from './expressions.ts';
import { validateKeywords } from './keywords.ts';
import { type RawSchema, validateStructural } from './structural.ts';

type Version = CustomResourceDefinitionVersion & {
  readonly selectableFields?: readonly { readonly jsonPath?: string }[];
};

export function validateVersions(definition: CustomResourceDefinition, report: Report): void {
  const versions = (definition.spec?.versions ?? []) as Version[];
  const path = child('spec', 'versions');
  const names = versions.map(({ name }) => name);
  for (const [index, version] of versions.entries()) {
    const messages = dns1035Label(version.name ?? '');
    if (messages.length > 0) report.invalid(child(at(path, index), 'name'), version.name, messages.join(','));
    if (version.schema?.openAPIV3Schema === undefined) {
      report.required(child(at(path, index), 'schema', 'openAPIV3Schema'), 'schemas are required');
    }
    const { deprecationWarning } = version;
    const warningPath = child(at(path, index), 'deprecationWarning');
    if (deprecationWarning !== undefined && version.deprecated !== true) {
      report.invalid(warningPath, deprecationWarning, 'can only be set for deprecated versions');
    }
  }
  if (new Set(names).size < names.length) report.invalid(path, names, 'must contain unique version names');
  if (versions.filter(({ storage }) => storage).length !== 1) {
    report.invalid(path, names, 'must have exactly one version marked as storage version');
  }
  for (const { value, path: here } of shared(versions, 'schema', child('spec', 'validation'))) {
    const status = versions.some((version) => version.subresources?.status !== undefined);
    const schema = value.openAPIV3Schema as unknown;
    if (isRecord(schema)) validateSchema(schema, status, child(here, 'openAPIV3Schema'), report);
  }
  for (const { value, path: here } of shared(versions, 'subresources', child('spec', 'subresources'))) {
    validateScale(value.scale, here, report);
  }
  for (const { value, path: here } of shared(
    versions,
    'additionalPrinterColumns',
    child('spec', 'additionalPrinterColumns'),
  )) {
    for (const [index, column] of value.entries()) validateColumn(column, at(here, index), report);
  }
  for (const [index, version] of versions.entries()) {
    validateSelectable(version, child(at(path, index), 'selectableFields'), report);
  }
}

interface Placed<T> {
  readonly value: T;
  readonly path: FieldPath;
}

/** A part of all versions: once at the top when it is the same in all, else in each version that has it. */
function shared<K extends 'schema' | 'subresources' | 'additionalPrinterColumns'>(
  versions: readonly Version[],
  part: K,
  top: FieldPath,
): Placed<NonNullable<Version[K]>>[] {
  const first = versions[0]?.[part];
  if (first !== undefined && versions.every((version) => jsonEqual(version[part], first))) {
    return [{ value: first as NonNullable<Version[K]>, path: top }];
  }
  return versions.flatMap((version, index) => {
    const value = version[part];
    const path = child(at(child('spec', 'versions'), index), part);
    return value === undefined ? [] : [{ value: value as NonNullable<Version[K]>, path }];
  });
}

const ROOT_KEYWORDS = [
  'description',
  'type',
  'format',
  'title',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'required',
  'items',
  'properties',
  'externalDocs',
  'example',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
];

function validateSchema(schema: RawSchema, hasStatus: boolean, path: FieldPath, report: Report): void {
  if (hasStatus) {
    const { type } = schema;
    if (type !== undefined && type !== '' && type !== 'object') {
      const text =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      report.invalid(child(path, 'type'), type, text);
    }
    const other = Object.keys(schema).find((keyword) => !ROOT_KEYWORDS.includes(keyword));
    if (other !== undefined) {
      const text = `only [${ROOT_KEYWORDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
      report.invalid(path, other, text);
    }
  }
  if (schema.nullable === true) report.forbidden(child(path, 'nullable'), 'nullable cannot be true at the root');
  const structural = new Report();
  validateStructural(schema, path, structural);
  structural.causes.sort((a, b) => (`${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1));
  if (structural.causes.length === 0) validateDefaults(schema, path, structural);
  const before = report.causes.length;
  report.causes.push(...structural.causes);
  validateKeywords(schema, path, report);
  // Rules speak about types, and those are only known of a schema that is in order.
  if (report.causes.length === before) validateExpressions(schema, path, report);
}

function validateScale(
  scale: { specReplicasPath?: string; statusReplicasPath?: string; labelSelectorPath?: string } | undefined,
  path: FieldPath,
  report: Report,
): void {
  if (scale === undefined) return;
  const check = (name: keyof typeof scale, roots: readonly string[], where: string): void => {
    const here = child(path, `scale.${name}`);
    const text = scale[name] ?? '';
    if (text === '') {
      if (name !== 'labelSelectorPath') report.required(here);
    } else if (!text.startsWith('.')) report.invalid(here, text, 'must be a simple json path starting with .');
    else if (!roots.some((root) => text.startsWith(root))) {
      report.invalid(here, text, `should be a json path under ${where}`);
    }
  };
  check('specReplicasPath', ['.spec.'], '.spec');
  check('statusReplicasPath', ['.status.'], '.status');
  check('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status');
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['binary', 'byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function validateColumn(
  column: { name?: string; type?: string; format?: string; jsonPath?: string },
  path: FieldPath,
  report: Report,
): void {
  const { name = '', type = '', format = '', jsonPath = '' } = column;
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (name === '') report.required(child(path, 'name'));
  if (type === '') report.required(child(path, 'type'), types);
  else if (!COLUMN_TYPES.includes(type)) report.invalid(child(path, 'type'), type, types);
  if (format !== '' && !COLUMN_FORMATS.includes(format)) {
    report.invalid(child(path, 'format'), format, `must be one of ${COLUMN_FORMATS.join(',')}`);
  }
  if (jsonPath === '') report.required(child(path, 'JSONPath'));
  else if (!jsonPath.startsWith('.')) {
    report.invalid(child(path, 'JSONPath'), jsonPath, 'must be a simple json path starting with .');
  }
}

const MAX_SELECTABLE = 8;

function validateSelectable(version: Version, path: FieldPath, report: Report): void {
  const fields = version.selectableFields ?? [];
  const schema = readStructural(version.schema?.openAPIV3Schema);
  const known = new Set<string>();
  for (const [index, { jsonPath = '' }] of fields.entries()) {
    const here = child(at(path, index), 'jsonPath');
    if (jsonPath === '') {
      report.required(here);
      continue;
    }
    const found = validateFieldPath(jsonPath, schema, false);
    if ('error' in found) {
      report.invalid(here, jsonPath, `is an invalid path: ${found.error}`);
      continue;
    }
    if (/^metadata\b/.test(found.path)) report.invalid(here, jsonPath, 'must not point to fields in metadata');
    if (!['string', 'boolean', 'integer'].includes(found.schema.type)) {
      const text =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      report.invalid(here, jsonPath, text);
    }
    if (known.has(found.path)) report.duplicate(here, jsonPath);
    known.add(found.path);
  }
  if (known.size > MAX_SELECTABLE) report.tooMany(path, known.size, MAX_SELECTABLE);
}
