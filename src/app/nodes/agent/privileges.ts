// Whether this process may make network namespaces here, and if not, why.
// Asks the machine; makes nothing that stays.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = ['ip', 'nft', 'nsenter', 'unshare'];
/** Bits of a capability set, from linux/capability.h. */
const NEEDED = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/** `undefined` when all is there. */
export function namespaceObstacle(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  const missing = Object.entries(NEEDED).find(([, bit]) => !hasCapability(bit));
  if (missing !== undefined) return `this user has not the right ${missing[0]} (root has)`;
  const tool = TOOLS.find((name) => !isInstalled(name));
  if (tool !== undefined) return `"${tool}" is not installed`;
  const tried = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'true'], { stdio: 'ignore' });
  return tried.status === 0 ? undefined : 'this kernel, or the container around it, allows no new namespaces';
}

function hasCapability(bit: number): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
  } catch {
    // No /proc: what cannot be known is tried.
    return true;
  }
}

function isInstalled(tool: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => isExecutable(join(dir, tool)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether IPv6 leads out of this machine by a route that stays when the machine forwards: one that a router advertises
 * goes as soon as it does.
 */
export function hasLastingIpv6Out(): boolean {
  const { stdout } = spawnSync('ip', ['-j', '-6', 'route', 'show', 'default'], { encoding: 'utf8' });
  try {
    const routes = JSON.parse(stdout || '[]') as { protocol?: string }[];
    return routes.length > 0 && routes.every(({ protocol }) => protocol !== 'ra');
  } catch {
    return false;
  }
}

export function hasIpv6(): boolean {
  return existsSync('/proc/sys/net/ipv6/conf');
}
