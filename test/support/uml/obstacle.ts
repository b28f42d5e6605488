// Whether guests can be booted on this machine, and with what.
// Looks at files only; boots nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Debian's name, then the one of other builds. */
const KERNELS = ['/usr/bin/linux.uml', '/usr/bin/linux'];
const TOOLS = ['insmod', 'modprobe', 'pivot_root', 'unshare', 'setpriv', 'stty', 'ip'];

export function guestKernel(): string | undefined {
  return KERNELS.find(existsSync);
}

/** Register states with AMX are larger than user-mode Linux was built for; see whole-xstate.c. */
export function needsWholeState(): boolean {
  return /\bamx_tile\b/.test(readFileSync('/proc/cpuinfo', 'latin1'));
}

function isThere(tool: string): boolean {
  return spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${tool}`]).status === 0;
}

/** Why no guest can be booted here, or undefined; for `kernelAllows`. `tools`: programs that the guest is to run. */
export function guestObstacle(...tools: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return 'user-mode Linux needs Linux';
  if (guestKernel() === undefined) return 'user-mode-linux is not installed';
  if (process.getuid?.() !== 0) return 'user-mode Linux is booted as root only';
  const missing = [...TOOLS, ...tools].filter((tool) => !isThere(tool));
  if (needsWholeState() && !isThere('cc')) missing.push('cc');
  return missing.length === 0 ? undefined : `these programs are not installed: ${missing.join(', ')}`;
}
