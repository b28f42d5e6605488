// Changes into as few UPDATE messages as hold them: one set of attributes a message, as many prefixes as fit.
// Pure; knows no peer.
import { encodeAttributes } from '../wire/attributes.ts';
import { HEADER_LENGTH, MAX_LENGTH } from '../wire/codec.ts';
import { FAMILIES, type Family } from '../wire/family.ts';
import type { Dialect, PathAttributes, UpdateMessage } from '../wire/message.ts';
import { encodedLength, prefixFamily } from '../wire/prefix.ts';

export interface Group {
  readonly family: Family;
  readonly attributes: PathAttributes;
  readonly nextHops: readonly string[];
  readonly prefixes: readonly string[];
}

/** Lengths of withdrawn routes and of attributes, two bytes each. */
const FIXED = HEADER_LENGTH + 4;
/** Flags, type, length of two bytes; family, service, length of next hops and a reserved byte. */
const MULTIPROTOCOL = 4 + 5;

/** Withdrawals first: what a prefix is withdrawn for may be what makes room for another. */
export function packUpdates(withdrawn: readonly string[], groups: readonly Group[], dialect: Dialect): UpdateMessage[] {
  const updates: UpdateMessage[] = [];
  for (const family of FAMILIES) {
    const gone = withdrawn.filter((prefix) => prefixFamily(prefix) === family);
    for (const prefixes of chunks(gone, MAX_LENGTH - FIXED - MULTIPROTOCOL)) updates.push(withdrawal(family, prefixes));
  }
  for (const { family, attributes, nextHops, prefixes } of groups) {
    const taken = encodeAttributes(attributes, dialect).length + nextHops.length * 16;
    for (const part of chunks(prefixes, MAX_LENGTH - FIXED - MULTIPROTOCOL - taken)) {
      const reach = { family, nextHops, prefixes: part };
      updates.push(
        family === 'ipv4'
          ? { type: 'update', withdrawn: [], attributes, announced: part }
          : { type: 'update', withdrawn: [], attributes: { ...attributes, mpReach: reach }, announced: [] },
      );
    }
  }
  return updates;
}

function withdrawal(family: Family, prefixes: readonly string[]): UpdateMessage {
  return family === 'ipv4'
    ? { type: 'update', withdrawn: prefixes, attributes: {}, announced: [] }
    : { type: 'update', withdrawn: [], attributes: { mpUnreach: { family, prefixes } }, announced: [] };
}

/** Says that everything of that family has been told (RFC 4724, 2). */
export function endOfRib(family: Family): UpdateMessage {
  return withdrawal(family, []);
}

function* chunks(prefixes: readonly string[], room: number): Generator<string[]> {
  let chunk: string[] = [];
  let taken = 0;
  for (const prefix of prefixes) {
    const size = encodedLength(prefix);
    if (taken + size > room) {
      yield chunk;
      chunk = [];
      taken = 0;
    }
    chunk.push(prefix);
    taken += size;
  }
  if (chunk.length > 0) yield chunk;
}
