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
  /** Program and arguments that stand in front of every command: they give up rights, and set what is left of `env`. */
  readonly last: readonly string[];
  /** Variables of the process that enters. */
  readonly env: Readonly<Record<string, string>>;
  /** PATH of the container. */
  readonly path: string;
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

/** Says of a program that is not there what container runtimes say, and ends with the exit code of a shell. */
function runSteps({ path, last }: Inside): string[] {
  return [
    `tools=$PATH PATH=${quote(path)}`,
    'command -v -- "$1" > /dev/null || { echo "exec: \\"$1\\": executable file not found in \\$PATH" >&2; exit 127; }',
    'PATH=$tools',
    `exec ${last.map(quote).join(' ')} "$@"`,
  ];
}

export function commandInside(inside: Inside, command: readonly string[]): InsideCommand {
  const { pid, namespaces, join, env, workingDir } = inside;
  const run = runSteps(inside);
  if (namespaces.length === 0) {
    const steps = [joinSteps(join), ...run].join('\n');
    return { command: ['/bin/sh', '-c', steps, 'sh', ...command], env, workingDir };
  }
  const there = [`cd -- ${quote(workingDir)} || exit 126`, ...run].join('\n');
  const enter = ['nsenter', '--target', String(pid), ...namespaces, '--', '/bin/sh', '-c', there, 'sh', ...command];
  const steps = [joinSteps(join), 'exec "$@"'].join('\n');
  return { command: ['/bin/sh', '-c', steps, 'sh', ...enter], env, workingDir: '/' };
}
