// The shell script that turns a process into a container, and the commands around it.
// Pure text; what the script does to the file system is planned in root-plan.ts.
import type { ContainerSpec, Isolation } from '../runtime.ts';
import { quote } from './quote.ts';
import type { Propagation } from './root-plan.ts';

/**
 * What the tools of the setup, or the shell that runs them, would take for theirs, and names that a shell does not hand
 * on: such variables are set by the last step only.
 */
const DELICATE =
  /^(?:LD_.*|PATH|ENV|IFS|PWD|OLDPWD|CDPATH|PS[124]|OPTIND|PPID|LC_.*|LANG|POSIXLY_CORRECT|LIBMOUNT_.*)$/;
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface SplitEnvironment {
  /** Handed to the setup as they are. */
  readonly plain: Readonly<Record<string, string>>;
  /** `env` with the others as its arguments, for in front of the program. */
  readonly last: readonly string[];
}

export function splitEnvironment(env: Readonly<Record<string, string>>): SplitEnvironment {
  const plain: Record<string, string> = {};
  const last: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (PLAIN_NAME.test(name) && !DELICATE.test(name)) plain[name] = value;
    else last.push(`${name}=${value}`);
  }
  return { plain, last: ['env', ...last] };
}

/** Only what a shell would drop is left to the last step; everything else is in the environment from the start. */
export function unshellable(env: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(env).filter((name) => !PLAIN_NAME.test(name));
  return names.length === 0 ? [] : ['env', ...names.map((name) => `${name}=${env[name]}`)];
}

/** Namespaces of the pod's pause process, as files. */
export interface PodNamespaces {
  readonly ipc: string;
  /** Only when the pod's containers see each other's processes. */
  readonly pid?: string;
}

/** What runs the setup: in the pod's namespaces, and in new ones for the rest. */
export function enterCommand(
  netns: string | undefined,
  isolation: Isolation,
  pod: PodNamespaces | undefined,
  propagation: Propagation = 'private',
): string[] {
  const enter = [
    ...(netns === undefined ? [] : [`--net=${netns}`]),
    ...(pod === undefined || isolation.ipc === 'host' ? [] : [`--ipc=${pod.ipc}`]),
    ...(pod?.pid === undefined || isolation.pid !== 'pod' ? [] : [`--pid=${pod.pid}`]),
  ];
  const fresh = [
    '--mount',
    '--propagation',
    propagation,
    '--uts',
    '--cgroup',
    ...(isolation.ipc === 'host' || pod !== undefined ? [] : ['--ipc']),
    ...(isolation.pid === 'container' ? ['--pid'] : []),
  ];
  return [...(enter.length === 0 ? [] : ['nsenter', '--no-fork', ...enter, '--']), 'unshare', ...fresh, '--'];
}

function sysctlSteps(sysctls: Readonly<Record<string, string>>): string[] {
  return Object.entries(sysctls).map(
    ([name, value]) => `echo ${quote(value)} > ${quote(`/proc/sys/${name.replaceAll('.', '/')}`)}`,
  );
}

export interface SetupInput {
  readonly spec: Pick<ContainerSpec, 'sandbox' | 'workingDir'>;
  readonly isolation: Isolation;
  /** Steps that make the root. */
  readonly root: readonly string[];
  /** Program and arguments in front of the container's own. */
  readonly last: readonly string[];
  /** PATH of the container. */
  readonly path: string;
}

/**
 * The container's command is the script's arguments. On descriptor 3 it says `init PID` and, when all is well, `ok`;
 * anything else there is why the container cannot start.
 */
export function setupScript({ spec, isolation, root, last, path }: SetupInput): string {
  const { sandbox, workingDir } = spec;
  const own = isolation.pid === 'container';
  // To be in the namespace takes a fork; who makes it waits, and ends as the program did, by exit code or signal.
  const fork = isolation.pid === 'host' ? [] : ['nsenter', '--pid=/proc/1/ns/pid', '--'];
  return [
    'set -e',
    // What the tools complain of is not the container's output.
    'exec 4>&2 2>&3',
    ...(own
      ? [
          // The first process of the namespace ends it with itself. It only sleeps, and as it ignores the ends of
          // children, the kernel clears away every orphan at once.
          'env --ignore-signal=CHLD sleep infinity < /dev/null > /dev/null 2>&1 3>&- 4>&- &',
          'echo "init $!" >&3',
        ]
      : []),
    `echo ${quote(sandbox.hostname)} > /proc/sys/kernel/hostname`,
    ...sysctlSteps(isolation.sysctls),
    ...root,
    `[ -d ${quote(workingDir)} ] || mkdir -p -- ${quote(workingDir)}`,
    `cd -- ${quote(workingDir)}`,
    `tools=$PATH PATH=${quote(path)}`,
    'why=',
    'case "$1" in',
    '  */*) if [ ! -e "$1" ]; then why="no such file or directory"',
    '       elif [ ! -x "$1" ] || [ -d "$1" ]; then why="permission denied"; fi;;',
    '  *) command -v -- "$1" > /dev/null || why="executable file not found in \\$PATH";;',
    'esac',
    'if [ -n "$why" ]; then echo "exec: \\"$1\\": $why" >&3; exit 127; fi',
    'PATH=$tools',
    'echo ok >&3',
    'exec 2>&4 4>&- 3>&-',
    `exec ${[...fork, ...last].map(quote).join(' ')} "$@"`,
    '',
  ].join('\n');
}
