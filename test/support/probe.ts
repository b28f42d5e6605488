// Asks a URL every 50 ms by new connections, from this machine or from a network namespace, and keeps when it failed.
// Knows the program that asks; nothing of what is asked.
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { start } from './run.ts';

export interface Attempt {
  /** Milliseconds since the epoch: when it began. */
  readonly at: number;
  /** What went wrong; a second without an answer is a timeout. */
  readonly problem?: string;
}

export interface Probe {
  /** How many attempts have ended. */
  count(): number;
  /** Ends it; all attempts. */
  stop(): Promise<readonly Attempt[]>;
}

const program = fileURLToPath(new URL('probe-program.ts', import.meta.url));
/** It is under way once so many have ended. */
const FIRST = 5;

/** Resolves once it is under way. */
export async function startProbe(url: string, netns?: string): Promise<Probe> {
  const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
  const [first = '', ...args] = [...inside, process.execPath, program, url];
  const running = start(first, args);
  const attempts = (): Attempt[] =>
    running
      .output()
      .stdout.split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Attempt);
  const probe: Probe = {
    count: () => attempts().length,
    async stop() {
      running.child.kill('SIGTERM');
      await running.finished;
      return attempts();
    },
  };
  await eventually(
    `${url} is asked`,
    () => {
      if (probe.count() < FIRST) throw new Error(JSON.stringify(running.output()));
    },
    30_000,
  );
  return probe;
}
