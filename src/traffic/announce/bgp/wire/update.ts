// UPDATE messages to bytes and back (RFC 4271, 4.3, with the error handling of RFC 7606).
// Knows no route of ours.
import { decodeAttributes, encodeAttributes } from './attributes.ts';
import { ByteReader, TooShort, uint } from './bytes.ts';
import { Faulty, UPDATE } from './fault.ts';
import type { Dialect, UpdateMessage } from './message.ts';
import { BadPrefix, decodePrefixes, encodePrefix } from './prefix.ts';

export function encodeUpdate(update: UpdateMessage, dialect: Dialect): Buffer {
  const withdrawn = Buffer.concat(update.withdrawn.map(encodePrefix));
  const attributes = encodeAttributes(update.attributes, dialect);
  return Buffer.concat([
    uint(withdrawn.length, 2),
    withdrawn,
    uint(attributes.length, 2),
    attributes,
    ...update.announced.map(encodePrefix),
  ]);
}

/** Throws Faulty where the session cannot go on. */
export function decodeUpdate(body: Buffer, dialect: Dialect): UpdateMessage {
  const [withdrawnBytes, attributeBytes, announcedBytes] = parts(body);
  const withdrawn = prefixes(withdrawnBytes);
  const announced = prefixes(announcedBytes);
  const decoded = decodeAttributes(attributeBytes, dialect);
  const { attributes } = decoded;
  const malformed = decoded.malformed ?? missing(attributes, announced.length > 0);
  return { type: 'update', withdrawn, attributes, announced, ...(malformed === undefined ? {} : { malformed }) };
}

function parts(body: Buffer): [withdrawn: Buffer, attributes: Buffer, announced: Buffer] {
  try {
    const reader = new ByteReader(body);
    const withdrawn = reader.take(reader.u16());
    const attributes = reader.take(reader.u16());
    return [withdrawn, attributes, reader.rest()];
  } catch (error) {
    if (!(error instanceof TooShort)) throw error;
    throw new Faulty(UPDATE.code, UPDATE.malformedList, 'Lengths within the UPDATE exceed it');
  }
}

function prefixes(bytes: Buffer): string[] {
  try {
    return decodePrefixes(bytes, 'ipv4');
  } catch (error) {
    if (!(error instanceof TooShort || error instanceof BadPrefix)) throw error;
    throw new Faulty(UPDATE.code, UPDATE.badNetwork, `A prefix of the UPDATE is malformed: ${error.message}`);
  }
}

function missing(attributes: UpdateMessage['attributes'], ipv4: boolean): string | undefined {
  if (!ipv4 && (attributes.mpReach?.prefixes.length ?? 0) === 0) return undefined;
  if (attributes.origin === undefined) return 'ORIGIN is missing';
  if (attributes.asPath === undefined) return 'AS_PATH is missing';
  return ipv4 && attributes.nextHop === undefined ? 'NEXT_HOP is missing' : undefined;
}
