// Path attributes of UPDATE messages, to bytes and back.
// A malformed one is told, not thrown, as long as it is certain which prefixes the message speaks of (RFC 7606).
import { AS_TRANS, decodeAsPath, encodeAsPath } from './as-path.ts';
import { ByteReader, TooShort, uint } from './bytes.ts';
import type { LargeCommunity } from './communities.ts';
import { AFI, addressBytes, addressText, familyOf, SAFI_UNICAST } from './family.ts';
import { Faulty, UPDATE } from './fault.ts';
import type { Dialect, PathAttributes } from './message.ts';
import { decodePrefixes, encodePrefix } from './prefix.ts';

const OPTIONAL = 0x80;
const TRANSITIVE = 0x40;
const EXTENDED_LENGTH = 0x10;
const CLASS = OPTIONAL | TRANSITIVE;

const TYPE = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  med: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8,
  mpReach: 14,
  mpUnreach: 15,
  as4Path: 17,
  largeCommunities: 32,
} as const;

/** What the first two flags of a known attribute must say. */
const FLAGS: Readonly<Record<number, number>> = {
  [TYPE.origin]: TRANSITIVE,
  [TYPE.asPath]: TRANSITIVE,
  [TYPE.nextHop]: TRANSITIVE,
  [TYPE.med]: OPTIONAL,
  [TYPE.localPref]: TRANSITIVE,
  [TYPE.atomicAggregate]: TRANSITIVE,
  [TYPE.aggregator]: CLASS,
  [TYPE.communities]: CLASS,
  [TYPE.mpReach]: OPTIONAL,
  [TYPE.mpUnreach]: OPTIONAL,
  [TYPE.as4Path]: CLASS,
  [TYPE.largeCommunities]: CLASS,
};

const ORIGINS = ['igp', 'egp', 'incomplete'] as const;

/** In the order of their types, as RFC 4271 asks; MP_REACH_NLRI first, as RFC 7606 does. */
export function encodeAttributes(attributes: PathAttributes, dialect: Dialect): Buffer {
  const size = dialect.fourOctetAs ? 4 : 2;
  const parts: Buffer[] = [];
  const put = (type: number, value: Buffer, flags = FLAGS[type] as number): void => {
    const extended = value.length > 255;
    parts.push(Buffer.of(flags | (extended ? EXTENDED_LENGTH : 0), type), uint(value.length, extended ? 2 : 1), value);
  };
  const { mpReach, mpUnreach } = attributes;
  if (mpReach !== undefined) {
    const hops = Buffer.concat(mpReach.nextHops.map((hop) => addressBytes(hop) as Buffer));
    const head = Buffer.of(0, AFI[mpReach.family], SAFI_UNICAST, hops.length);
    put(TYPE.mpReach, Buffer.concat([head, hops, Buffer.of(0), ...mpReach.prefixes.map(encodePrefix)]));
  }
  if (mpUnreach !== undefined) {
    const head = Buffer.of(0, AFI[mpUnreach.family], SAFI_UNICAST);
    put(TYPE.mpUnreach, Buffer.concat([head, ...mpUnreach.prefixes.map(encodePrefix)]));
  }
  if (attributes.origin !== undefined) put(TYPE.origin, Buffer.of(ORIGINS.indexOf(attributes.origin)));
  if (attributes.asPath !== undefined) put(TYPE.asPath, encodeAsPath(attributes.asPath, size));
  if (attributes.nextHop !== undefined) put(TYPE.nextHop, addressBytes(attributes.nextHop) as Buffer);
  if (attributes.med !== undefined) put(TYPE.med, uint(attributes.med, 4));
  if (attributes.localPref !== undefined) put(TYPE.localPref, uint(attributes.localPref, 4));
  if (attributes.atomicAggregate !== undefined) put(TYPE.atomicAggregate, Buffer.alloc(0));
  if (attributes.aggregator !== undefined) {
    const { as, address } = attributes.aggregator;
    const number = uint(size === 2 && as > 0xffff ? AS_TRANS : as, size);
    put(TYPE.aggregator, Buffer.concat([number, addressBytes(address) as Buffer]));
  }
  if (attributes.communities !== undefined) {
    put(TYPE.communities, Buffer.concat(attributes.communities.map((community) => uint(community, 4))));
  }
  if (attributes.as4Path !== undefined) put(TYPE.as4Path, encodeAsPath(attributes.as4Path, 4));
  if (attributes.largeCommunities !== undefined) {
    put(TYPE.largeCommunities, Buffer.concat(attributes.largeCommunities.flat().map((number) => uint(number, 4))));
  }
  for (const { flags, type, value } of attributes.unknown ?? []) put(type, value, flags & ~EXTENDED_LENGTH);
  return Buffer.concat(parts);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  /** What is wrong with one of them, in words. */
  readonly malformed?: string;
}

/** Throws Faulty where it is uncertain which prefixes the message speaks of. */
export function decodeAttributes(bytes: Buffer, dialect: Dialect): DecodedAttributes {
  const reader = new ByteReader(bytes);
  const attributes: Writable<PathAttributes> = {};
  const seen = new Set<number>();
  let malformed: string | undefined;
  while (reader.left > 0) {
    let flags: number;
    let type: number;
    let value: Buffer;
    try {
      flags = reader.u8();
      type = reader.u8();
      value = reader.take((flags & EXTENDED_LENGTH) !== 0 ? reader.u16() : reader.u8());
    } catch (error) {
      if (!(error instanceof TooShort)) throw error;
      malformed ??= 'The attributes end within one of them';
      break;
    }
    const multiprotocol = type === TYPE.mpReach || type === TYPE.mpUnreach;
    if (seen.has(type)) {
      if (multiprotocol) throw new Faulty(UPDATE.code, UPDATE.malformedList, `Attribute ${type} comes twice`);
      continue;
    }
    seen.add(type);
    try {
      const wanted = FLAGS[type];
      if (wanted !== undefined && (flags & CLASS) !== wanted) {
        if (!multiprotocol) malformed ??= `Attribute ${type} has the flags ${flags & CLASS}, not ${wanted}`;
      }
      const wrong = decodeValue(attributes, flags, type, value, dialect);
      if (wrong !== undefined) malformed ??= wrong;
    } catch (error) {
      if (!(error instanceof TooShort)) throw error;
      malformed ??= `Attribute ${type} is cut short`;
    }
  }
  return malformed === undefined ? { attributes } : { attributes, malformed };
}

/** Puts the value of one attribute into `into`; what is wrong with it, if anything. */
function decodeValue(
  into: Writable<PathAttributes>,
  flags: number,
  type: number,
  value: Buffer,
  dialect: Dialect,
): string | undefined {
  const size = dialect.fourOctetAs ? 4 : 2;
  const length = (wanted: number): string | undefined =>
    value.length === wanted ? undefined : `Attribute ${type} has ${value.length} bytes, not ${wanted}`;
  const numbers = (): number[] => Array.from({ length: value.length / 4 }, (_, i) => value.readUInt32BE(i * 4));
  let wrong: string | undefined;
  switch (type) {
    case TYPE.origin: {
      const origin = ORIGINS[value[0] ?? 3];
      if (value.length !== 1 || origin === undefined) return 'ORIGIN is none of the three there are';
      into.origin = origin;
      return undefined;
    }
    case TYPE.asPath: {
      const path = decodeAsPath(value, size);
      if (path === undefined) return 'AS_PATH has an empty or unknown segment';
      into.asPath = path;
      return undefined;
    }
    case TYPE.nextHop:
      wrong = length(4);
      if (wrong === undefined) into.nextHop = addressText(value);
      return wrong;
    case TYPE.med:
      wrong = length(4);
      if (wrong === undefined) into.med = value.readUInt32BE();
      return wrong;
    case TYPE.localPref:
      wrong = length(4);
      if (wrong === undefined) into.localPref = value.readUInt32BE();
      return wrong;
    // Nothing depends on these two and on AS4_PATH: a malformed one is left out (RFC 7606, 7.6 and 7.7; RFC 6793, 6).
    case TYPE.atomicAggregate:
      if (value.length === 0) into.atomicAggregate = true;
      return undefined;
    case TYPE.aggregator:
      if (value.length === size + 4) {
        into.aggregator = { as: value.readUIntBE(0, size), address: addressText(value.subarray(size)) };
      }
      return undefined;
    case TYPE.as4Path: {
      const path = value.length === 0 ? undefined : decodeAsPath(value, 4);
      if (path !== undefined) into.as4Path = path;
      return undefined;
    }
    case TYPE.communities:
      if (value.length === 0 || value.length % 4 !== 0) return `Communities of ${value.length} bytes`;
      into.communities = numbers();
      return undefined;
    case TYPE.largeCommunities: {
      if (value.length === 0 || value.length % 12 !== 0) return `Large communities of ${value.length} bytes`;
      const flat = numbers();
      into.largeCommunities = Array.from(
        { length: flat.length / 3 },
        (_, i) => flat.slice(i * 3, i * 3 + 3) as unknown as LargeCommunity,
      );
      return undefined;
    }
    case TYPE.mpReach:
    case TYPE.mpUnreach:
      if (!decodeMultiprotocol(into, type, value)) keepUnknown(into, flags, type, value);
      return undefined;
    default:
      keepUnknown(into, flags, type, value);
      return (flags & OPTIONAL) === 0 ? `Attribute ${type} is unknown, and not optional` : undefined;
  }
}

function keepUnknown(into: Writable<PathAttributes>, flags: number, type: number, value: Buffer): void {
  into.unknown = [...(into.unknown ?? []), { flags: flags & ~EXTENDED_LENGTH, type, value }];
}

/** False where the family is none of ours. */
function decodeMultiprotocol(into: Writable<PathAttributes>, type: number, value: Buffer): boolean {
  try {
    const reader = new ByteReader(value);
    const family = familyOf(reader.u16(), reader.u8());
    if (family === undefined) return false;
    if (type === TYPE.mpUnreach) {
      into.mpUnreach = { family, prefixes: decodePrefixes(reader.rest(), family) };
      return true;
    }
    const hops = reader.take(reader.u8());
    // IPv4 may have next hops of IPv6 (RFC 8950): what counts is that addresses come out even.
    const hopSize = hops.length === 4 ? 4 : 16;
    if (hops.length === 0 || hops.length > 32 || hops.length % hopSize !== 0) {
      throw new TooShort(`a next hop of ${hops.length} bytes`);
    }
    const nextHops = Array.from({ length: hops.length / hopSize }, (_, i) =>
      addressText(hops.subarray(i * hopSize, (i + 1) * hopSize)),
    );
    // Once the count of subnetwork addresses, now reserved.
    reader.u8();
    into.mpReach = { family, nextHops, prefixes: decodePrefixes(reader.rest(), family) };
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Faulty(
      UPDATE.code,
      UPDATE.optionalAttribute,
      `Attribute ${type} is malformed: ${why}`,
      attributeData(type, value),
    );
  }
}

/** The attribute at fault, as the NOTIFICATION carries it. */
function attributeData(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(OPTIONAL | EXTENDED_LENGTH, type), uint(value.length, 2), value]);
}
