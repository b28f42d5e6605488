// The live view on a terminal: draws at each look, follows keys, and leaves the terminal as it was.
// Knows keys and escape sequences; what is on the screen, screen.ts says.
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { messageOf } from '../failure.ts';
import { pause } from '../pause.ts';
import type { Replicas } from './replicas.ts';
import { type ClusterRow, rowsBetween } from './rows.ts';
import type { Sample } from './sample.ts';
import { ORDERS, type Order, screenOf } from './screen.ts';

export interface LiveOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly intervalMs: number;
  readonly order: Order;
  readonly namespace?: string;
  readonly signal: AbortSignal;
  take(): Promise<Sample>;
  replicas(cluster: string): Replicas | undefined;
}

/** Another screen, no cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Resolves when somebody leaves it, by key or by signal. A gateway that does not answer is told of, and asked again. */
export async function watchLive(options: LiveOptions): Promise<void> {
  const { input, output, signal } = options;
  const left = new AbortController();
  let rows: readonly ClusterRow[] = [];
  let [chosen, order, notice]: [number, Order, string] = [0, options.order, 'Looks for the first time ...'];
  let before = await options.take();
  const draw = (): void => {
    const { columns, rows: height } = output;
    const namespace = options.namespace === undefined ? {} : { namespace: options.namespace };
    const view = { order, chosen, columns, rows: height, colors: output.hasColors(), ...namespace };
    const lines = screenOf(rows, options.replicas, view, notice);
    // Each line ends with what clears its rest, the screen with what clears its own: nothing flickers.
    output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  };
  const onKey = (_: string | undefined, key: { readonly name?: string; readonly ctrl?: boolean }): void => {
    if (key.name === 'q' || key.name === 'escape' || (key.ctrl === true && key.name === 'c')) left.abort();
    else if (key.name === 'down') chosen = Math.min(chosen + 1, Math.max(0, rows.length - 1));
    else if (key.name === 'up') chosen = Math.max(0, chosen - 1);
    else if (key.name === 's') order = ORDERS[(ORDERS.indexOf(order) + 1) % ORDERS.length] ?? 'rate';
    else return;
    draw();
  };
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', onKey);
  input.resume();
  output.on('resize', draw);
  output.write(ENTER);
  const ended = AbortSignal.any([signal, left.signal]);
  try {
    draw();
    while (!ended.aborted) {
      await pause(options.intervalMs, ended);
      if (ended.aborted) break;
      try {
        const now = await options.take();
        rows = rowsBetween(before, now);
        before = now;
        notice = '';
      } catch (error) {
        notice = `${messageOf(error)}; asks again`;
      }
      draw();
    }
  } finally {
    output.write(LEAVE);
    output.off('resize', draw);
    input.off('keypress', onKey);
    input.setRawMode(false);
    input.pause();
  }
}
