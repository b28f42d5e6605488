// One user-mode Linux as a process of this machine: how it is started, and that nothing of it stays.
// Knows file descriptors and processes; what runs in the guest is in its init script.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guestKernel, needsWholeState } from './obstacle.ts';

export interface MachineOptions {
  /** A directory of its own, which goes with the machine. */
  readonly dir: string;
  readonly init: string;
  readonly memoryMb: number;
}

/**
 * Ends the machine on SIGTERM, which the kernel sends when whoever started it has ended, too. A process namespace takes
 * all of the guest's processes with it; its first process is a shell, since the kernel spares a first process the
 * signal by which a crashed machine ends itself. The keeper's shell says «Killed» of a killed machine: without whoever
 * would read that, it would die of it before it has cleaned up.
 */
const KEEPER = `dir=$1; shift; ulimit -c 0
trap 'kill -KILL $machine' TERM INT HUP
unshare --pid --fork --kill-child=KILL sh -c '"$@"; exit $?' sh "$@" <&0 &
machine=$!
trap '' PIPE
wait $machine; code=$?
wait $machine
rm -rf "$dir"
exit $code`;

function buildPreload(dir: string): string {
  const library = join(dir, 'whole-xstate.so');
  const source = fileURLToPath(new URL('whole-xstate.c', import.meta.url));
  const { status, stderr } = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc cannot build ${source}: ${stderr}`);
  return library;
}

/** File descriptors of the child: 1 is the kernel's console, 3 the command's output, 4 its errors, 5 its exit code. */
export function startMachine({ dir, init, memoryMb }: MachineOptions): ChildProcess {
  const kernel = guestKernel();
  if (kernel === undefined) throw new Error('Cannot boot a guest: user-mode-linux is not installed');
  const words = [
    `mem=${memoryMb}M`,
    ...['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`, 'quiet'],
    ...['con=null', 'con0=null,fd:1', 'ssl=null', 'ssl0=null,fd:3', 'ssl1=null,fd:4', 'ssl2=null,fd:5'],
    ...[`uml_dir=${dir}`, 'umid=guest'],
  ];
  const preload = needsWholeState() ? [`LD_PRELOAD=${buildPreload(dir)}`] : [];
  return spawn(
    'setpriv',
    ['--pdeathsig', 'TERM', 'sh', '-c', KEEPER, 'keeper', dir, 'env', ...preload, kernel, ...words],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'] },
  );
}
