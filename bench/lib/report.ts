// How results are shown: a table for people, or one JSON document with where and when it was measured.
// Knows nothing of what was measured.

import { availableParallelism } from 'node:os';

export interface Column<Row> {
  readonly title: string;
  cell(row: Row, index: number): string;
}

/** The first column to the left, all others to the right. */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row, i) => columns.map(({ cell }) => cell(row, i)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => (line[column] as string).length)));
  const lines = cells.map((line) =>
    line
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

export function printTable<Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  console.log(`\n${title}\n${tableText(columns, rows)}`);
}

/** `say` for progress and remarks: to standard output with tables, to standard error beside JSON. */
export function speaker(json: boolean): (line: string) => void {
  return (line) => (json ? console.error(line) : console.log(line));
}

export function printJson(benchmark: string, args: readonly string[], results: unknown): void {
  const document = {
    benchmark,
    command: ['npm run bench --', benchmark, ...args].join(' '),
    date: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    results,
  };
  console.log(JSON.stringify(document));
}
