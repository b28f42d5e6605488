// Keeps a load on the gateway while something happens to the cluster, and returns what `evenkeel load` reports.
// Knows the CLI only.
import type { LoadReport } from '#app/load/report.ts';
import { evenkeelBinary, start } from './run.ts';

export interface UnderLoad {
  readonly url: string;
  readonly host: string;
  readonly rate?: number;
  readonly args?: readonly string[];
}

/** How long the load runs before and after the action, so that its effects are seen. */
const MARGIN_MS = 1_000;

/** Runs `action` in the middle of a load; the load ends when the action has, by Ctrl-C. */
export async function underLoad(options: UnderLoad, action: () => Promise<void>): Promise<LoadReport> {
  const { url, host, rate = 500, args = [] } = options;
  const load = start(evenkeelBinary, [
    'load',
    url,
    '--host',
    host,
    '--rate',
    `${rate}`,
    '--duration',
    '10m',
    '--json',
    ...args,
  ]);
  try {
    await pause(MARGIN_MS);
    await action();
    await pause(MARGIN_MS);
  } finally {
    load.child.kill('SIGINT');
  }
  const { stdout, stderr } = await load.finished;
  if (stdout === '') throw new Error(`evenkeel load said nothing: ${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}

/** Not a wait for something to happen: it is how long the load lasts. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
