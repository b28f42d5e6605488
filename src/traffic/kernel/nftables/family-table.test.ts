// What a change of one Service asks of the kernel: how many elements, and of which kind. No kernel is needed.
import { expect, it } from 'vitest';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { Batch } from './batch.ts';
import { drawnSize } from './chains.ts';
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
  // Endpoints that need a larger table are a chain more, with those that it needs.
  const five = change(table, service(4, 5));
  expect(five.chains.map(({ name }) => name)).toEqual(['random-6-tcp', 'draw-random-6-tcp', 'random-1-tcp']);
  expect(verdicts(five)).toEqual(['goto random-6-tcp', 'goto random-1-tcp']);
  // Which stays, also without users.
  expect(change(table, service(4, 3)).removed.filter(({ set }) => set === 'ways')).toEqual([]);
  expect(change(table, service(4, 6))).toMatchObject({ chains: [], gone: [] });
  // Where nft writes, fronts have verdicts.
  expect(verdicts(change(begun('verdicts', service(1, 2)), service(3, 2)))).toEqual([
    'goto random-2-tcp',
    'goto random-2-tcp',
  ]);
});

it('one endpoint less of 1,000 moves one other, at each front', () => {
  const table = begun('numbers', service(1, 1_000));
  const { removed, added, chains } = change(table, service(1, 999, 1));
  expect(chains).toEqual([]);
  const slots = (elements: Iterable<{ readonly set: string; readonly key: string }>): string[] =>
    [...elements].filter(({ set }) => set === 'endpoints-tcp').map(({ key }) => key);
  expect(slots(removed)).toEqual([
    '10.96.0.1 . tcp . 80 . 0',
    '10.96.0.1 . tcp . 80 . 999',
    '192.0.2.1 . tcp . 30001 . 0',
    '192.0.2.1 . tcp . 30001 . 999',
  ]);
  expect(slots(added)).toEqual(['10.96.0.1 . tcp . 80 . 0', '192.0.2.1 . tcp . 30001 . 0']);
  expect([...removed].length + [...added].length).toBe(6);
});

it('draws from tables of few sizes, none of which is filled by less than two thirds', () => {
  const sizes = Array.from({ length: 2_000 }, (_, at) => drawnSize(at + 1));
  expect([...new Set(sizes)]).toEqual([
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048,
  ]);
  expect(sizes.every((size, at) => at + 1 <= size && (at + 1) / size > 0.66)).toBe(true);
});
