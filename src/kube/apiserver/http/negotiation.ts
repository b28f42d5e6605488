// What the client can read, from its Accept header: plain objects, Tables, metadata only; JSON, YAML or protocol buffers.
// Knows media types; turning objects into them is respond.ts.
import { protobufMediaType } from '#kube/api/protobuf/media-type.ts';
import { StatusError } from '#kube/api/status.ts';

export type Representation = 'object' | 'table' | 'partial' | 'discovery';

export type Format = 'json' | 'yaml' | 'protobuf';

export interface Accepted {
  readonly representation: Representation;
  readonly format: Format;
  /** Version of the representation's group, e.g. `v1` for a Table. */
  readonly version: string;
}

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** What a format is called in `Content-Type`. */
export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: protobufMediaType,
};

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  [protobufMediaType, 'protobuf'],
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

export interface Offer {
  readonly representations: readonly Representation[];
  /** Those of them that have a form in protocol buffers. */
  readonly inProtobuf: readonly Representation[];
}

/** Of built-in kinds; Tables have no form in protocol buffers. */
export const builtinOffer: Offer = {
  representations: ['object', 'table', 'partial'],
  inProtobuf: ['object', 'partial'],
};
/** Of custom resources, whose fields no message has. */
export const customOffer: Offer = { representations: ['object', 'table', 'partial'], inProtobuf: ['partial'] };

/** The first range we serve, best quality first. Throws `StatusError` 406 when there is none. */
export function negotiate(header: string | undefined, { representations, inProtobuf }: Offer): Accepted {
  if (header === undefined || header.trim() === '') return { representation: 'object', format: 'json', version: '' };
  for (const range of parseAccept(header)) {
    const format = FORMATS.get(range.type);
    if (format === undefined) continue;
    const as = range.parameters.get('as');
    const representation =
      as === undefined ? 'object' : REPRESENTATIONS.get(`${as} ${range.parameters.get('g') ?? ''}`);
    const version = as === undefined ? '' : (range.parameters.get('v') ?? '');
    if (representation === undefined || !representations.includes(representation)) continue;
    if (format === 'protobuf' && !inProtobuf.includes(representation)) continue;
    if (SERVED_VERSIONS[representation].includes(version)) return { representation, format, version };
  }
  throw notAcceptable(inProtobuf.includes('object') ? ['json', 'yaml', 'protobuf'] : ['json', 'yaml']);
}

export function notAcceptable(formats: readonly Format[]): StatusError {
  const types = formats.map((format) => mediaTypes[format]).join(', ');
  return new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
}

/** How a failure is told: in the first format that the client names and we have, JSON otherwise. */
export function errorFormat(header: string | undefined): Format {
  for (const { type } of parseAccept(header ?? '')) {
    const format = FORMATS.get(type);
    if (format !== undefined) return format;
  }
  return 'json';
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
