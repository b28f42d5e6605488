// What a change of one Service asks of the kernel: how many elements, and of which kind. No kernel is needed.
import { expect, it } from 'vitest';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { Batch } from './batch.ts';
import { FamilyTable } from './family-table.ts';

const NODE = nodeFacts();
const service = (number: number, endpoints: number, first = 0) =>
  compilePort(
    l4Port({
      service: `shop/service-${number}`,
      clusterIP: `10.96.${number >> 8}.${number & 255}`,
      nodePort: 30_000 + number,
      endpoints: Array.from({ length: endpoints }, (_, at) =>
        l4Endpoint(`10.244.${(first + at) >> 8}.${(first + at) & 255}`),
      ),
    }),
    NODE,
  );

function begun(style: 'numbers' | 'verdicts', ...rules: ReturnType<typeof service>[]): FamilyTable {
  const table = new FamilyTable('IPv4', 'evenkeel', style);
  table.begin(new Map(rules.map((one) => [one.name, one])), NODE);
  return table;
}

const change = (table: FamilyTable, rules: ReturnType<typeof service>): Batch =>
  table.change(new Map([[rules.name, rules]]), undefined, 0).batch;

const verdicts = ({ added }: Batch): string[] =>
  [...added].map(({ value }) => value).filter((value) => /^(goto|jump) /.test(value));

it('a Service more brings no verdict, which the kernel would follow through the whole table', () => {
  const table = begun('numbers', service(1, 2), service(2, 3));
  const { chains, added } = change(table, service(3, 3));
  expect(chains).toEqual([]);
  expect(verdicts({ added } as Batch)).toEqual([]);
  // Another number of endpoints is a chain more, to which one verdict leads.
  const four = change(table, service(4, 4));
  expect(four.chains.map(({ name }) => name)).toEqual(['random-4']);
  expect(verdicts(four)).toEqual(['goto random-4']);
  // Where nft writes, fronts have verdicts.
  expect(verdicts(change(begun('verdicts', service(1, 2)), service(3, 2)))).toEqual(['goto random-2', 'goto random-2']);
});

it('one endpoint less of 1,000 moves one other, at each front', () => {
  const table = begun('numbers', service(1, 1_000));
  const { removed, added } = change(table, service(1, 999, 1));
  const slots = (elements: Iterable<{ readonly set: string; readonly key: string }>): string[] =>
    [...elements].filter(({ set }) => set === 'endpoints-tcp').map(({ key }) => key);
  expect(slots(removed)).toEqual([
    '10.96.0.1 . tcp . 80 . 0',
    '10.96.0.1 . tcp . 80 . 999',
    '192.0.2.1 . tcp . 30001 . 0',
    '192.0.2.1 . tcp . 30001 . 999',
  ]);
  expect(slots(added)).toEqual(['10.96.0.1 . tcp . 80 . 0', '192.0.2.1 . tcp . 30001 . 0']);
  expect([...removed].length + [...added].length).toBeLessThan(15);
});
