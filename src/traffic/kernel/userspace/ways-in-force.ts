// Keeps the kernel's routes and rules at what is wanted, by `ip`, one batch a change; never waits for it in the loop.
// Knows no Service.
import { spawnSync } from 'node:child_process';
import type { Family } from '#lib/ip.ts';
import type { Repairs } from '../contract.ts';
import { programsIn, type RunProgram } from '../programs.ts';
import { command, familyOfWay, type Marks, PROTOCOL, tableWays, type Way, waysShown } from './ways.ts';

const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];
const FLAG: Readonly<Record<Family, string>> = { IPv4: '-4', IPv6: '-6' };

/** Why routes cannot be made here, as a clause; undefined where they can. */
export function waysObstacle(netns: string | undefined): string | undefined {
  if (process.getuid?.() !== 0) return 'making routes needs root (CAP_NET_ADMIN)';
  const [program = '', ...args] = inNamespace(netns, ['rule', 'show']);
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) return `"${program}" cannot be run (install iproute2)`;
  return status === 0 ? undefined : `ip says: ${stderr.trim()}`;
}

export class WaysInForce {
  readonly #run: RunProgram;
  readonly #marks: Marks;
  /** Undefined until it was read. */
  #have: Record<Family, Set<Way>> | undefined;

  constructor(netns: string | undefined, marks: Marks) {
    this.#run = programsIn(netns);
    this.#marks = marks;
  }

  /** Rejects with what the kernel refused; what it took is in force. */
  async set(wanted: ReadonlySet<Way>): Promise<void> {
    this.#have ??= await this.#read();
    let failure = await this.#bring(this.#have, wanted);
    if (failure === undefined) return;
    // Somebody else was at it, or it is refused for good: look again, and try once more.
    this.#have = await this.#read();
    failure = await this.#bring(this.#have, wanted);
    if (failure === undefined) return;
    this.#have = undefined;
    throw new Error(`Routes of Services could not be made: ${failure}`);
  }

  /** Whether an earlier run left some. */
  async any(): Promise<boolean> {
    const { IPv4, IPv6 } = await this.#read();
    return IPv4.size + IPv6.size > 0;
  }

  async verify(wanted: ReadonlySet<Way>): Promise<Repairs> {
    this.#have = await this.#read();
    let restored = 0;
    let removed = 0;
    for (const family of FAMILIES) {
      const { add, remove } = difference(this.#have[family], this.#waysOf(family, wanted));
      restored += add.length;
      removed += remove.length;
    }
    if (restored + removed > 0) await this.set(wanted);
    return { restored, removed };
  }

  async #bring(have: Record<Family, Set<Way>>, wanted: ReadonlySet<Way>): Promise<string | undefined> {
    const failures: string[] = [];
    for (const family of FAMILIES) {
      const next = this.#waysOf(family, wanted);
      const { add, remove } = difference(have[family], next);
      if (add.length + remove.length === 0) continue;
      const lines = [...add.map((way) => command('add', way)), ...remove.map((way) => command('del', way))];
      const { code, stderr } = await this.#run('ip', [FLAG[family], '-force', '-batch', '-'], `${lines.join('\n')}\n`);
      have[family] = next;
      if (code !== 0) failures.push(stderr.trim().split('\n').slice(0, 4).join('; '));
    }
    return failures.length === 0 ? undefined : failures.join('; ');
  }

  /** Tables come before the rules that lead there, and go after them; one of a family without rules is not made. */
  #waysOf(family: Family, wanted: ReadonlySet<Way>): Set<Way> {
    const own = [...wanted].filter((way) => familyOfWay(way) === family);
    const tables = tableWays(this.#marks).filter((way) => {
      const table = way.slice(way.lastIndexOf(' '));
      return own.some((one) => one.endsWith(`lookup${table}`));
    });
    return new Set([...tables, ...own]);
  }

  async #read(): Promise<Record<Family, Set<Way>>> {
    const { served, dropped } = this.#marks;
    const read = async (family: Family): Promise<Set<Way>> => {
      const show = async (...words: readonly string[]): Promise<string> => {
        // A table that does not exist is an error to some versions, and nothing to others.
        const { code, stdout } = await this.#run('ip', [FLAG[family], '-j', ...words]);
        return code === 0 ? stdout : '';
      };
      const [local, inServed, inDropped, rules] = await Promise.all([
        show('route', 'show', 'table', 'local', 'proto', String(PROTOCOL)),
        show('route', 'show', 'table', String(served)),
        show('route', 'show', 'table', String(dropped)),
        show('rule', 'show'),
      ]);
      return new Set(waysShown({ local, served: inServed, dropped: inDropped, rules }, family, this.#marks));
    };
    const [v4, v6] = await Promise.all([read('IPv4'), read('IPv6')]);
    return { IPv4: v4, IPv6: v6 };
  }
}

function difference(have: ReadonlySet<Way>, wanted: ReadonlySet<Way>): { add: Way[]; remove: Way[] } {
  return {
    add: [...wanted].filter((way) => !have.has(way)),
    // Rules before the tables that they lead to.
    remove: [...have].filter((way) => !wanted.has(way)).sort((a, b) => Number(isTable(a)) - Number(isTable(b))),
  };
}

function isTable(way: Way): boolean {
  return way.includes(' default ');
}

function inNamespace(netns: string | undefined, args: readonly string[]): string[] {
  return netns === undefined ? ['ip', ...args] : ['nsenter', `--net=${netns}`, '--', 'ip', ...args];
}
