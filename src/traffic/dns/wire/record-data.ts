// The data of a record as bytes, from the words of the model and from the server's own.
// Knows one record at a time.
import ipaddr from 'ipaddr.js';
import type { DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { types } from './message.ts';
import { labelsOf, nameBytes } from './name.ts';

export interface TypedData {
  readonly type: number;
  readonly data: Buffer;
}

/** Undefined for an address or a target that is none: one object of odd content must not spoil an answer. */
export function recordData(record: DnsRecord): TypedData | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA': {
      if (!ipaddr.isValid(record.address)) return undefined;
      const bytes = ipaddr.parse(record.address).toByteArray();
      if (bytes.length !== (record.type === 'A' ? 4 : 16)) return undefined;
      return { type: types[record.type], data: Buffer.from(bytes) };
    }
    case 'CNAME':
    case 'PTR':
      if (labelsOf(record.target) === undefined) return undefined;
      return { type: types[record.type], data: nameBytes(record.target) };
    case 'SRV': {
      if (labelsOf(record.target) === undefined) return undefined;
      const head = Buffer.alloc(6);
      for (const [index, value] of [record.priority, record.weight, record.port].entries()) {
        head.writeUInt16BE(value & 0xffff, index * 2);
      }
      return { type: types.SRV, data: Buffer.concat([head, nameBytes(record.target)]) };
    }
  }
}

/** Each text at most 255 bytes. */
export function textData(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => [Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]));
}

export interface Soa {
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  /** Seconds. How long it may be remembered that there is no such name. */
  readonly minimum: number;
}

/** Times of a zone that nobody transfers, as CoreDNS has them. */
export function soaData({ primary, mailbox, serial, minimum }: Soa): Buffer {
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [serial, 7200, 1800, 86_400, minimum].entries())
    numbers.writeUInt32BE(value >>> 0, index * 4);
  return Buffer.concat([nameBytes(primary), nameBytes(mailbox), numbers]);
}
