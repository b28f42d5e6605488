// The stream of terminal sizes: JSON objects one after another, however they were cut.
// Pure apart from the stream it reads.
import type { Readable } from 'node:stream';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A size is some thirty bytes; more without an end is no size. */
const MAX_REST = 1024;
const MAX_CELLS = 0xffff;

export class SizeReader {
  #rest = '';

  /** Sizes that are complete; what is none is left out. */
  read(chunk: Buffer): TerminalSize[] {
    const parts = (this.#rest + chunk.toString('latin1')).split('}');
    const rest = parts.pop() ?? '';
    this.#rest = rest.length > MAX_REST ? '' : rest;
    return parts.flatMap((part) => parseSize(`${part}}`) ?? []);
  }
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    const isCells = (value: unknown): value is number =>
      Number.isInteger(value) && Number(value) > 0 && Number(value) <= MAX_CELLS;
    return isCells(Width) && isCells(Height) ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}

export function followSizes(stream: Readable, onSize: (size: TerminalSize) => void): void {
  const reader = new SizeReader();
  stream.on('data', (chunk: Buffer) => {
    for (const size of reader.read(chunk)) onSize(size);
  });
}
