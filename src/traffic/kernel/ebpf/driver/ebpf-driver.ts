// The eBPF driver: serves Services where sockets of this machine ask for them, before there is a packet.
// Everything else (traffic from outside, source ranges, silence, masquerade) it leaves to the driver beneath.

import { collectGarbage } from '#lib/sys/collect-garbage.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import { mountPoints } from '#lib/sys/mounts.ts';
import type { PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../../contract.ts';
import { BpfMap } from '../bpf/map.ts';
import { CAPACITIES, type Capacities, DECIDED, REMEMBERED, type TableName, tableShapes } from '../programs/layout.ts';
import { RuleTables } from '../tables/rule-tables.ts';
import { Attachment, keptMap } from './attachment.ts';
import { endServedSockets } from './end-served-sockets.ts';
import { namespaceCookie } from './namespace-cookie.ts';
import { DEFAULT_BPF_FOLDER, openPinFolder, type PinFolder, pinsThere } from './pin-folder.ts';

export interface EbpfOptions extends DriverOptions {
  /** Folder of a cgroup2 file system: sockets of every process in it and below are served. */
  readonly cgroup: string;
  /** Serves what begins elsewhere and what a socket cannot decide; it is given every change first. */
  readonly beneath: L4Driver;
  /** A folder on a bpf file system, or one to mount it at. */
  readonly bpfFolder?: string;
  readonly capacities?: Partial<Capacities>;
}

/** Why this driver cannot work here, as a clause; undefined where it can be tried. */
export function ebpfObstacle(): string | undefined {
  const obstacle = libcObstacle();
  if (obstacle !== undefined) return obstacle;
  if (process.getuid?.() !== 0) return 'eBPF needs root (CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN)';
  try {
    BpfMap.create({ name: 'probe', type: 'array', keySize: 4, valueSize: 4, capacity: 1 }).close();
    namespaceCookie();
    return undefined;
  } catch (error) {
    return `the kernel refuses eBPF (${(error as Error).message})`;
  }
}

const DEFAULT_OWNER = 'default';

/** The root of the control groups of version 2; undefined when none is mounted. */
export function cgroupRoot(): string | undefined {
  return mountPoints('cgroup2')[0];
}

type Pins = Pick<EbpfOptions, 'owner' | 'bpfFolder'>;

/** What an earlier run left: programs for sockets of this network namespace, or of another one. */
export function ebpfLeft({
  bpfFolder = DEFAULT_BPF_FOLDER,
  owner = DEFAULT_OWNER,
}: Pins): ReturnType<typeof pinsThere> {
  return pinsThere(bpfFolder, owner);
}

/** With the names go the links, and so the programs; the driver beneath is left alone. */
export function forgetEbpf({ bpfFolder = DEFAULT_BPF_FOLDER, owner = DEFAULT_OWNER }: Pins): void {
  openPinFolder(bpfFolder, owner).remove();
}

/** Where `ebpfObstacle` says why it cannot work, the first change throws. */
export function createEbpfDriver(options: EbpfOptions): L4Driver {
  return new EbpfDriver(options);
}

/** What is there from the first change on. */
interface Begun {
  readonly folder: PinFolder;
  readonly maps: Readonly<Record<TableName, BpfMap>>;
  readonly tables: RuleTables;
  attachment: Attachment | undefined;
}

const PART = 1_000;
/** From so many ports on it is worth a pause to collect what a start leaves, once and after each so many. */
const LARGE = 15_000;

function* partsOf(ports: RuleUpdate['ports']): Generator<RuleUpdate['ports']> {
  let part = new Map<string, PortRules | undefined>();
  for (const [name, rules] of ports) {
    part.set(name, rules);
    if (part.size < PART) continue;
    yield part;
    part = new Map();
  }
  yield part;
}

class EbpfDriver implements L4Driver {
  readonly name = 'ebpf';
  readonly #options: EbpfOptions;
  #begun: Begun | undefined;

  constructor(options: EbpfOptions) {
    this.#options = options;
  }

  async apply(update: RuleUpdate): Promise<void> {
    const { cgroup, netns, warn, beneath } = this.#options;
    // A socket that is left alone by the new tables must meet the new rules beneath.
    await beneath.apply(update);
    // What the driver beneath leaves of a large start is not to be there together with what the tables leave of theirs.
    const large = this.#begun === undefined && update.ports.size >= LARGE;
    if (large) collectGarbage();
    this.#begun ??= this.#begin();
    const { folder, maps, tables } = this.#begun;
    // While no program looks, a part at a time: what is planned for tens of thousands of ports takes 100 MB.
    const parts = this.#begun.attachment === undefined ? partsOf(update.ports) : [update.ports];
    let filled = 0;
    for (const part of parts) {
      tables.change(part);
      filled += part.size;
      if (large && filled % LARGE === 0) collectGarbage();
    }
    // Programs take the place of those of an earlier run only now that the tables are full.
    this.#begun.attachment ??= new Attachment({ cgroup, node: namespaceCookie(netns), folder, maps, warn });
  }

  async cut(ways: readonly CutWay[]): Promise<void> {
    await this.#options.beneath.cut(ways);
    if (ways.length > 0 && this.#begun !== undefined) endServedSockets(this.#begun.maps.reverse, ways);
  }

  async verify(): Promise<Repairs> {
    const beneath = await this.#options.beneath.verify();
    const tables = this.#begun?.tables.repair() ?? { restored: 0, removed: 0 };
    const tied = this.#begun?.attachment?.repair() ?? 0;
    return {
      restored: beneath.restored + tables.restored + tied,
      removed: beneath.removed + tables.removed,
    };
  }

  async close(keep = false): Promise<void> {
    if (this.#begun !== undefined) {
      const { attachment, maps, folder } = this.#begun;
      this.#begun = undefined;
      attachment?.close(keep);
      for (const map of Object.values(maps)) map.close();
      if (!keep) folder.remove();
    } else if (!keep && ebpfLeft(this.#options) === 'here') {
      // What another proxy has in its own network namespace is not ours to end.
      forgetEbpf(this.#options);
    }
    await this.#options.beneath.close(keep);
  }

  #begin(): Begun {
    const shapes = tableShapes({ ...CAPACITIES, ...this.#options.capacities });
    const { bpfFolder = DEFAULT_BPF_FOLDER, owner = DEFAULT_OWNER } = this.#options;
    const folder = openPinFolder(bpfFolder, owner);
    folder.claim();
    const kept = REMEMBERED.map((name) => [name, keptMap(folder, shapes[name])] as const);
    const fresh = DECIDED.map((name) => [name, BpfMap.create(shapes[name])] as const);
    const maps = Object.fromEntries([...kept, ...fresh]) as Record<TableName, BpfMap>;
    return { folder, maps, tables: new RuleTables(maps), attachment: undefined };
  }
}
