// Tables and sets as text: what is written leads from any state to any other, and what is read is what was written.
// A small interpreter of the restore formats stands for the kernel; the real one is asked in kernel.test.ts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementChange, parseElements, rangeElements } from './ip-sets.ts';
import { parseConnections, parseSaved, tableChange } from './restore-text.ts';
import { FOREIGN_WAY, type IpvsTable } from './table.ts';
import { elements, saved, tables, withElements, withLines } from './testing/tables.ts';

test('a table is read as it was saved', () => {
  fc.assert(
    fc.property(tables, (table) => {
      expect(parseSaved(saved(table))).toEqual(table);
    }),
  );
});

test('the steps from one table to another are accepted one by one and lead there', () => {
  fc.assert(
    fc.property(tables, tables, (have, want) => {
      const { makes, removes } = tableChange(have, want);
      const made = withLines(have, makes);
      // Nobody who is served before and after is without a service or a destination in between.
      for (const key of want.keys()) expect(made.has(key)).toBe(true);
      for (const key of have.keys()) expect(made.has(key)).toBe(true);
      expect(withLines(made, removes)).toEqual(want);
    }),
  );
});

test('nothing is written where nothing changed, and nothing outside of what is named', () => {
  fc.assert(
    fc.property(tables, tables, (have, want) => {
      expect(tableChange(have, have)).toEqual({ makes: [], removes: [] });
      expect(tableChange(have, want, [])).toEqual({ makes: [], removes: [] });
      const [key] = want.keys();
      if (key === undefined) return;
      const { makes, removes } = tableChange(have, want, [key]);
      expect([...makes, ...removes].every((line) => line.slice(3).startsWith(key))).toBe(true);
    }),
  );
});

test('what others made of a service of ours is seen and mended', () => {
  const text = ['-A -t 10.96.0.1:80 -s wlc -p 300 -M 255.255.255.0', '-a -t 10.96.0.1:80 -r 10.0.0.1:80 -g -w 1'];
  const have = parseSaved(text.join('\n'));
  expect(have.get('-t 10.96.0.1:80')).toEqual({
    scheduler: 'wlc',
    persistentSeconds: 300,
    others: '-M 255.255.255.0',
    destinations: new Map([['10.0.0.1:80', FOREIGN_WAY]]),
  });
  const wanted = { scheduler: 'wlc', persistentSeconds: 300, others: '', destinations: new Map([['10.0.0.1:80', 1]]) };
  const want: IpvsTable = new Map([['-t 10.96.0.1:80', wanted]]);
  expect(tableChange(have, want).makes).toEqual([
    '-E -t 10.96.0.1:80 -s wlc -p 300',
    '-e -t 10.96.0.1:80 -r 10.0.0.1:80 -m -w 1',
  ]);
});

test('connections are counted for each destination of each service', () => {
  const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.10:80 rr persistent 10800
  -> 10.244.0.2:8080              Masq    0      3          4
UDP  [fd00::10]:53 mh (mh-port)
  -> [fd00:244::2]:8080           Masq    5      0          0
FWM  1048578 IPv6 wrr
  -> [fd00:244::2]:8080           Masq    0      0          1
FWM  17 wrr
  -> 10.244.0.2:8080              Masq    0      2          0
`;
  expect([...parseConnections(text)]).toEqual([
    ['-t 10.96.0.10:80 10.244.0.2:8080', 7],
    ['-u [fd00::10]:53 [fd00:244::2]:8080', 0],
    ['-f 1048578 -6 [fd00:244::2]:8080', 1],
    ['-f 17 10.244.0.2:8080', 2],
  ]);
});

test('the steps from one set of elements to another lead there, over elements that say something else', () => {
  fc.assert(
    fc.property(elements, elements, (have, want) => {
      const { adds, dels } = elementChange(have, want);
      expect(withElements(have, [...adds, ...dels])).toEqual(want);
      expect(elementChange(have, have)).toEqual({ adds: [], dels: [] });
    }),
  );
});

test('elements of others are not seen', () => {
  const text =
    'create ek-1-ips-4 hash:ip family inet\nadd ek-1-ips-4 10.0.0.1\nadd ek-10-ips-4 10.0.0.2\nadd other 1.1.1.1';
  expect([...parseElements(text, 'ek-1')]).toEqual([['ek-1-ips-4 10.0.0.1', '']]);
  expect([...parseElements('add k-mark-pod-4 10.0.0.1,tcp:80 skbmark 0x10', 'k')]).toEqual([
    ['k-mark-pod-4 10.0.0.1,tcp:80', 'skbmark 0x10'],
  ]);
});

test('ranges are spelled as ipset spells them', () => {
  expect(['10.0.0.0/8', '10.0.0.1/32', 'fd00::1/128', '0.0.0.0/0', '::/0'].map(rangeElements)).toEqual([
    ['10.0.0.0/8'],
    ['10.0.0.1'],
    ['fd00::1'],
    ['0.0.0.0/1', '128.0.0.0/1'],
    ['::/1', '8000::/1'],
  ]);
});

test('whatever is read, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('-', 'A', 'a', 'r', ' ', '\n', '1', ':', '>', '[') }), (text) => {
      parseSaved(text);
      parseConnections(text);
      parseElements(text, 'a');
    }),
  );
});
