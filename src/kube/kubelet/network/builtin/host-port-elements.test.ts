// Ports of the node as elements of sets, and back again.
import { expect, test } from 'vitest';
import type { PortMapping } from '../cni/capabilities.ts';
import { elementsOf, listedElements, takenBy } from './host-port-elements.ts';

const mapping = (hostIP = ''): PortMapping => ({ hostPort: 7000, containerPort: 80, protocol: 'tcp', hostIP });
const setsOf = (hostIP: string): string[] =>
  elementsOf([mapping(hostIP)], ['10.0.0.2', 'fd00::2']).map((one) => one.set);

test.each([
  ['', ['any4', 'self4', 'any6', 'self6']],
  ['0.0.0.0', ['any4', 'self4']],
  ['::', ['any6', 'self6']],
  ['192.0.2.1', ['one4', 'self4']],
  ['2001:db8::1', ['one6', 'self6']],
])('a port of the address "%s" goes into %j', (hostIP, sets) => {
  expect(setsOf(hostIP)).toEqual(sets);
});

test('an element is found again as nft lists it, however its address was written', () => {
  const [element] = elementsOf([mapping('2001:0DB8:0::1')], ['fd00::2']);
  const member = { elem: { val: { concat: ['2001:db8::1', 'tcp', 7000] }, comment: 'uid-1' } };
  const listing = {
    nftables: [{ metainfo: {} }, { map: { name: 'one6', elem: [[member, { concat: ['fd00::2', 80] }]] } }],
  };
  const present = listedElements(JSON.stringify(listing));
  expect(present).toEqual([{ ...element, title: '7000/TCP', owner: 'uid-1' }]);
  expect(element && takenBy(element, present)).toBe('uid-1');
});

test('what others have put into the table is left alone', () => {
  const foreign = { concat: ['udp', 53] };
  const listing = {
    nftables: [
      { map: { name: 'any4', elem: [[foreign, { concat: ['10.0.0.9', 53] }]] } },
      { set: { name: 'x', elem: [1] } },
    ],
  };
  expect(listedElements(JSON.stringify(listing))).toEqual([]);
});
