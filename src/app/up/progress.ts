// How progress is told: named tasks that run at the same time, and lines in between.
// Knows no cluster. One contract, told live on a terminal, as plain lines elsewhere, or to a parent process.

export interface Task {
  readonly title: string;
  /** `update` replaces what stands behind the title; the resolved text stays there. None: it was given up. */
  run(update: (text: string) => void): Promise<string>;
}

export interface Progress {
  /** Runs tasks side by side and shows each; resolves when all have ended, and rejects with the first failure. */
  phase(tasks: readonly Task[]): Promise<void>;
  line(text: string): void;
  /** Something a person should see even when they read nothing else. */
  warning(text: string): void;
}

/** For pipes and log files: one line when a task ends, and one whenever its text changes. */
export function plainProgress(): Progress {
  return {
    async phase(tasks) {
      const runs = tasks.map(async ({ title, run }) => {
        const show = (text: string): void => void process.stdout.write(`${title}  ${text}\n`);
        let last = '';
        const text = await run((update) => {
          if (update !== last) show(update);
          last = update;
        });
        if (text !== '' && text !== last) show(text);
      });
      await allSettledOrFirst(runs);
    },
    line: (text) => void process.stdout.write(`${text}\n`),
    warning: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** For terminals: a list with spinners, redrawn in place. */
export function liveProgress(): Progress {
  return {
    ...plainProgress(),
    async phase(tasks) {
      const { Listr } = await import('listr2');
      const list = new Listr(
        tasks.map(({ title, run }) => ({
          title,
          task: async (_: unknown, own: { title: string; skip(message: string): void }) => {
            const text = await run((update) => {
              own.title = `${title}  ${update}`;
            });
            if (text === '') own.skip(`${title}  not waited for`);
            else own.title = `${title}  ${text}`;
          },
        })),
        // Signals are ours: Ctrl-C takes everything down in order.
        { concurrent: true, exitOnError: false, collectErrors: true, registerSignalListeners: false },
      );
      await list.run();
      const first = list.errors?.[0];
      if (first !== undefined) throw first.error;
    },
  };
}

/** Waits for all, so that nothing is told after the end of a phase; then fails with the first failure. */
async function allSettledOrFirst(runs: ReadonlyArray<Promise<void>>): Promise<void> {
  const results = await Promise.allSettled(runs);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
