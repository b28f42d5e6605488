// "Port unreachable" as bytes. That clients understand them is the contract's matter.
import { expect, it } from 'vitest';
import { unreachableMessage } from './unreachable.ts';

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

const ports = { clientPort: 40_000, port: 53, length: 30 };

it('names the datagram, IPv4', () => {
  const bytes = unreachableMessage({ ...ports, family: 'IPv4', client: '192.0.2.7', address: '10.96.0.10' });
  const view = new DataView(bytes.buffer);
  expect([bytes.length, bytes[0], bytes[1]]).toEqual([36, 3, 3]);
  expect(sum(bytes)).toBe(0xffff);
  expect(sum(bytes.subarray(8, 28))).toBe(0xffff);
  expect([...bytes.subarray(20, 28)]).toEqual([192, 0, 2, 7, 10, 96, 0, 10]);
  expect([view.getUint16(10), bytes[17]]).toEqual([58, 17]);
  expect([view.getUint16(28), view.getUint16(30), view.getUint16(32)]).toEqual([40_000, 53, 38]);
});

it('names the datagram, IPv6', () => {
  const bytes = unreachableMessage({ ...ports, family: 'IPv6', client: 'fd00::7', address: 'fd00:96::a' });
  const view = new DataView(bytes.buffer);
  expect([bytes.length, bytes[0], bytes[1], bytes[8], bytes[14]]).toEqual([56, 1, 4, 0x60, 17]);
  expect([bytes[16], bytes[31], bytes[32], bytes[47]]).toEqual([0xfd, 7, 0xfd, 0xa]);
  expect([view.getUint16(12), view.getUint16(48), view.getUint16(50)]).toEqual([38, 40_000, 53]);
});
