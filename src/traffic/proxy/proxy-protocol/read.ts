// Reads the PROXY protocol header, v1 or v2, that a trusted peer puts ahead of a connection: who the client really is.
// Knows nothing of sockets or trust. Strict: HAProxy's proxy-protocol.txt 2.x, and nothing beside it.

import { isIPv4, isIPv6 } from 'node:net';
import { crc32c } from './crc32c.ts';
import { ipv4Text, ipv6Text, type SocketPair } from './socket-pair.ts';

export type ProxyHeaderReading =
  | {
      readonly type: 'header';
      /** Bytes of the header: what follows belongs to the connection. */
      readonly length: number;
      /** Undefined when the header leaves the connection's own addresses in force (`LOCAL`, `UNKNOWN`, `UNSPEC`, UNIX). */
      readonly pair: SocketPair | undefined;
    }
  | { readonly type: 'partial' }
  | { readonly type: 'malformed'; readonly reason: string };

/** Longest v2 header taken: addresses and 16 KiB of TLVs, room for a client certificate. */
const MAX_V2 = 16 * 1024;
const MAX_V1 = 107;
const partial: ProxyHeaderReading = { type: 'partial' };
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v1Start = Buffer.from('PROXY ', 'latin1');

/** Reads all `bytes` that have come on a connection. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderReading {
  if (bytes.length === 0) return partial;
  if (startsAlike(bytes, signature)) return bytes.length < 16 ? partial : readV2(bytes);
  if (startsAlike(bytes, v1Start)) return readV1(bytes);
  return malformed('No PROXY protocol header');
}

/** As far as both go. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function readV1(bytes: Buffer): ProxyHeaderReading {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, MAX_V1));
  const end = text.indexOf('\n');
  if (end < 0) return text.length < MAX_V1 ? partial : malformed('Version 1 header is too long');
  if (text.charCodeAt(end - 1) !== 13) return malformed('Version 1 header ends without carriage return');
  const fields = text.slice(0, end - 1).split(' ');
  const length = end + 1;
  // Whatever follows is for nobody.
  if (fields[1] === 'UNKNOWN') return { type: 'header', length, pair: undefined };
  const isAddress = fields[1] === 'TCP4' ? isIPv4 : fields[1] === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined || fields.length !== 6) return malformed('Version 1 header has wrong fields');
  const [source, destination] = [fields[2] as string, fields[3] as string];
  // A zone (`%eth0`) means something on one machine only.
  if (!isAddress(source) || !isAddress(destination) || text.lastIndexOf('%', end) >= 0) {
    return malformed('Version 1 header has a wrong address');
  }
  const ports = [portOf(fields[4] as string), portOf(fields[5] as string)] as const;
  if (ports[0] < 0 || ports[1] < 0) return malformed('Version 1 header has a wrong port');
  const pair = {
    source: { address: plain(source), port: ports[0] },
    destination: { address: plain(destination), port: ports[1] },
  };
  return { type: 'header', length, pair };
}

/** Digits without a leading zero, up to 65,535; -1 for anything else. */
function portOf(text: string): number {
  return /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : -1;
}

function plain(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

function readV2(bytes: Buffer): ProxyHeaderReading {
  const command = bytes[12] as number;
  const family = bytes[13] as number;
  const length = 16 + bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return malformed('Unknown version or command');
  if (length > MAX_V2) return malformed('Version 2 header is too long');
  const addresses = addressBytes[family];
  // The family of a LOCAL header is nobody's business, its length is.
  if (command === 0x21 && addresses === undefined) return malformed('Unknown address family or transport');
  if (command === 0x21 && length < 16 + (addresses as number)) return malformed('Addresses are cut short');
  if (bytes.length < length) return partial;
  if (command === 0x20) return { type: 'header', length, pair: undefined };
  const problem = tlvProblem(bytes.subarray(0, length), 16 + (addresses as number), family === 0);
  if (problem !== '') return malformed(problem);
  return { type: 'header', length, pair: pairOf(bytes, family) };
}

/** Bytes of the two addresses and ports, by family and transport: unspecified, TCP over IPv4 and IPv6, UNIX stream. */
const addressBytes: Readonly<Record<number, number>> = { 0: 0, 17: 12, 33: 36, 49: 216 };

function pairOf(bytes: Buffer, family: number): SocketPair | undefined {
  if (family === 0x11) {
    return {
      source: { address: ipv4Text(bytes, 16), port: bytes.readUInt16BE(24) },
      destination: { address: ipv4Text(bytes, 20), port: bytes.readUInt16BE(26) },
    };
  }
  if (family !== 0x21) return undefined;
  return {
    source: { address: ipv6Text(bytes, 16), port: bytes.readUInt16BE(48) },
    destination: { address: ipv6Text(bytes, 32), port: bytes.readUInt16BE(50) },
  };
}

const TLV_CRC32C = 0x03;
const TLV_UNIQUE_ID = 0x05;
const TLV_SSL = 0x20;

/** Walks the TLVs from `from` to the end of the header; what is wrong with them, or nothing. */
function tlvProblem(header: Buffer, from: number, unspecified: boolean): string {
  // What follows an unspecified family is not described any further, and ignored.
  if (unspecified) return '';
  let checked = false;
  for (let pos = from; pos < header.length; ) {
    if (pos + 3 > header.length) return 'TLV is cut short';
    const type = header[pos];
    const start = pos + 3;
    pos = start + header.readUInt16BE(pos + 1);
    if (pos > header.length) return 'TLV is cut short';
    if (type === TLV_CRC32C) {
      if (checked || pos - start !== 4) return 'Checksum TLV is malformed';
      if (header.readUInt32BE(start) !== crc32c(header, start)) return 'Checksum does not fit';
      checked = true;
    } else if (type === TLV_UNIQUE_ID && pos - start > 128) {
      return 'Unique id is too long';
    } else if (type === TLV_SSL && !nestedFit(header, start, pos)) {
      return 'TLS TLV is malformed';
    }
  }
  return '';
}

/** A byte of flags, four of the verification's result, then TLVs that fill the rest. */
function nestedFit(header: Buffer, start: number, end: number): boolean {
  let pos = start + 5;
  while (pos + 3 <= end) pos += 3 + header.readUInt16BE(pos + 1);
  return pos === end;
}

function malformed(reason: string): ProxyHeaderReading {
  return { type: 'malformed', reason };
}
