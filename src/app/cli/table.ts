// Columns of text, as kubectl prints them: three spaces between, nothing at the end of a line.
// Knows nothing of what is in the cells.

const GAP = '   ';

/** Header and rows as aligned lines; every row has as many cells as the header. */
export function formatTable(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd();
  return `${[header, ...rows].map(line).join('\n')}\n`;
}
