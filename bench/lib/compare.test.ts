// Tests of how rounds become one table.
// Nothing is started.

import { describe, expect, it } from 'vitest';
import { medians, type Row } from './compare.ts';
import { tableText } from './report.ts';

function row(name: string, cpuMicros: number, rate: number, errors = 0): Row {
  return { name, cpuMicros, rate, p99Ms: 1, errors };
}

describe('rounds', () => {
  it('become one row a contestant, with medians and the sum of errors', () => {
    const rounds = [
      [row('a', 10, 100), row('b', 20, 50, 1)],
      [row('a', 30, 300), row('b', 22, 55)],
      [row('a', 12, 120), row('b', 90, 10, 2)],
    ];
    expect(medians(rounds)).toEqual([row('a', 12, 120), row('b', 22, 50, 3)]);
  });

  it('are an empty table when there were none', () => {
    expect(medians([])).toEqual([]);
  });
});

describe('a table', () => {
  it('has names to the left and figures to the right', () => {
    const columns = [
      { title: '', cell: (value: readonly [string, number]) => value[0] },
      { title: 'ms', cell: (value: readonly [string, number]) => String(value[1]) },
    ];
    expect(
      tableText(columns, [
        ['long name', 1],
        ['b', 1000],
      ]),
    ).toBe('             ms\nlong name     1\nb          1000\n');
  });
});
