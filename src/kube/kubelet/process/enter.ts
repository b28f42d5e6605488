// One way into a running container for whatever is run beside it: its groups, namespaces, user, environment, directory.
// Knows how to put a command so; starting it is the caller's matter.
import { quote } from './quote.ts';

/** What a process needs to be like the container's own. */
export interface Inside {
  /** A process of the container, whose namespaces are entered. */
  readonly pid: number;
  /** Flags of nsenter; empty when the container shares all namespaces with us. */
  readonly namespaces: readonly string[];
  /** Files that take a process into the container's control groups. */
  readonly join: readonly string[];
  /** Program and arguments that give up what the container must not have; empty when it may have everything. */
  readonly privileges: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
}

export interface InsideCommand {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Directory to start in, before any namespace is entered. */
  readonly workingDir: string;
}

/** Takes a shell, and all it becomes, into control groups; it ends when it cannot, rather than run without limits. */
export function joinSteps(files: readonly string[]): string {
  return files.map((file) => `echo 0 > ${quote(file)} || exit 126`).join('\n');
}

/** Says of a program that is not there what container runtimes say; ends with the exit code of a shell. */
const RUN = [
  'command -v -- "$1" > /dev/null || { echo "exec: \\"$1\\": executable file not found in \\$PATH" >&2; exit 127; }',
  'exec "$@"',
].join('\n');

export function commandInside(inside: Inside, command: readonly string[]): InsideCommand {
  const { pid, namespaces, join, privileges, env, workingDir } = inside;
  const entered = namespaces.length > 0;
  const enter = entered ? ['nsenter', '--target', String(pid), ...namespaces, '--'] : [];
  const steps = [joinSteps(join), 'exec "$@"'].filter(Boolean).join('\n');
  const there = entered ? `cd -- ${quote(workingDir)} || exit 126\n${RUN}` : RUN;
  return {
    command: ['/bin/sh', '-c', steps, 'sh', ...enter, ...privileges, '/bin/sh', '-c', there, 'sh', ...command],
    env,
    workingDir: entered ? '/' : workingDir,
  };
}
