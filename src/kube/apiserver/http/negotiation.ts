// What the client can read, from its Accept header: plain objects, Tables, metadata only, JSON or YAML.
// Knows media types; turning objects into them is respond.ts.
import { StatusError } from '#kube/api/status.ts';

export type Representation = 'object' | 'table' | 'partial' | 'discovery';

export interface Accepted {
  readonly representation: Representation;
  readonly format: 'json' | 'yaml';
  /** Version of the representation's group, e.g. `v1` for a Table. */
  readonly version: string;
}

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const FORMATS: ReadonlyMap<string, Accepted['format']> = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/*', 'json'],
  ['*/*', 'json'],
]);

/** The `as` parameter, with its group, of each representation. */
const REPRESENTATIONS: ReadonlyMap<string, Representation> = new Map([
  ['Table meta.k8s.io', 'table'],
  ['PartialObjectMetadata meta.k8s.io', 'partial'],
  ['PartialObjectMetadataList meta.k8s.io', 'partial'],
  ['APIGroupDiscoveryList apidiscovery.k8s.io', 'discovery'],
]);

const SERVED_VERSIONS: Readonly<Record<Representation, readonly string[]>> = {
  object: [''],
  table: ['v1', 'v1beta1'],
  partial: ['v1', 'v1beta1'],
  discovery: ['v2'],
};

/** The first range we serve, best quality first. Throws `StatusError` 406 when there is none. */
export function negotiate(
  header: string | undefined,
  offered: readonly Representation[] = ['object', 'table', 'partial'],
): Accepted {
  if (header === undefined || header.trim() === '') return { representation: 'object', format: 'json', version: '' };
  for (const range of parseAccept(header)) {
    const format = FORMATS.get(range.type);
    if (format === undefined) continue;
    const as = range.parameters.get('as');
    if (as === undefined) return { representation: 'object', format, version: '' };
    const representation = REPRESENTATIONS.get(`${as} ${range.parameters.get('g') ?? ''}`);
    const version = range.parameters.get('v') ?? '';
    if (representation === undefined || !offered.includes(representation)) continue;
    if (SERVED_VERSIONS[representation].includes(version)) return { representation, format, version };
  }
  throw new StatusError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml',
  );
}

/** Whether the header asks for this exact media type, parameters of the name included (`type@v1.0+protobuf`). */
export function acceptsExactly(header: string | undefined, type: string): boolean {
  return header !== undefined && parseAccept(header).some((range) => range.type === type.toLowerCase());
}

function parseAccept(header: string): MediaRange[] {
  return header
    .split(',')
    .map(parseRange)
    .filter((range) => range.quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}
