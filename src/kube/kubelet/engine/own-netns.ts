// The network namespace that this process is in, as a file that whoever runs on the machine can join.
// Looks; makes nothing. A process has a number of its own in each PID namespace, so its /proc is no such file.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = '/run/netns';

/** `undefined` where it has no name: it is the machine's own then, unless somebody keeps it to himself. */
export function ownNetns(): string | undefined {
  try {
    const { dev, ino } = statSync('/proc/self/ns/net');
    return readdirSync(DIRECTORY)
      .map((name) => join(DIRECTORY, name))
      .find((path) => {
        const found = statSync(path, { throwIfNoEntry: false });
        return found?.ino === ino && found.dev === dev;
      });
  } catch {
    // Nobody has named a namespace on this machine, or it has none.
    return undefined;
  }
}
