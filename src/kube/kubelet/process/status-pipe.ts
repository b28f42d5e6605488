// What the setup of a container says while it is at work: where it stands, or why it cannot go on.
// Knows the words of setup-script.ts.
import type { Readable } from 'node:stream';

export interface SetupReport {
  /** The first process of the container's own pid namespace. */
  readonly init?: number;
  /** The container's program is about to be run. */
  readonly ok: boolean;
  /** What went wrong, as it was said. */
  readonly message: string;
}

/** Resolves when the setup is through, one way or the other. */
export function readSetup(pipe: Readable): Promise<SetupReport> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (): void => {
      const lines = text.split('\n').filter(Boolean);
      const init = /^init (\d+)$/m.exec(text)?.[1];
      resolve({
        ...(init === undefined ? {} : { init: Number(init) }),
        ok: lines.at(-1) === 'ok',
        message: lines.filter((line) => !line.startsWith('init ')).join('; '),
      });
      pipe.destroy();
    };
    pipe.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.endsWith('ok\n')) finish();
    });
    pipe.once('close', finish);
    pipe.once('error', finish);
  });
}
