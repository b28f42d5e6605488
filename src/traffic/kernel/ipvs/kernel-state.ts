// The kernel's side of the driver: what is there is read into plain data, and a change is carried out in an order in
// which no client meets half of it. Decides nothing.
import type { Family } from '#lib/ip.ts';
import { createSets, type ElementChange, type Elements, parseElements, setNames } from './ip-sets.ts';
import { isOurMark, type Names } from './names.ts';
import { parseConnections, parseSaved, type TableChange } from './restore-text.ts';
import { addressKey, type IpvsTable, markOf } from './table.ts';
import { mustRun, type RunTool } from './tools.ts';

export interface KernelState {
  readonly table: IpvsTable;
  readonly elements: Elements;
  readonly addresses: ReadonlySet<string>;
}

export interface KernelChange {
  readonly table: TableChange;
  readonly elements: ElementChange;
  readonly newAddresses: readonly string[];
  readonly oldAddresses: readonly string[];
}

/** Connections are followed, and those whose endpoint is gone end; Service addresses are no neighbour's business. */
const SETTINGS: readonly (readonly [path: string, value: string])[] = [
  ['ipv4/vs/conntrack', '1'],
  ['ipv4/vs/expire_nodest_conn', '1'],
  ['ipv4/vs/expire_quiescent_template', '1'],
  ['ipv4/ip_forward', '1'],
  ['ipv4/conf/all/arp_ignore', '1'],
  ['ipv4/conf/all/arp_announce', '2'],
];

export class Kernel {
  readonly #run: RunTool;
  readonly #names: Names;

  constructor(run: RunTool, names: Names) {
    this.#run = run;
    this.#names = names;
  }

  /** Makes what is there whatever Services there are; what is there already stays. */
  async prepare(families: readonly Family[]): Promise<void> {
    // Asking is what loads the module.
    await mustRun(this.#run, 'ipvsadm', ['-L', '-n', '--timeout']);
    const writes = SETTINGS.map(([path, value]) => `echo ${value} > /proc/sys/net/${path}`);
    await mustRun(this.#run, 'sh', ['-ec', writes.join('\n')]);
    await mustRun(
      this.#run,
      'ipset',
      ['restore', '-exist'],
      `${createSets(this.#names.prefix, families).join('\n')}\n`,
    );
    const { device } = this.#names;
    const { code } = await this.#run('ip', ['link', 'show', 'dev', device]);
    if (code !== 0) await mustRun(this.#run, 'ip', ['link', 'add', device, 'type', 'dummy']);
    await mustRun(this.#run, 'ip', ['link', 'set', device, 'up']);
  }

  /** Of everything that is there, what is ours. `wanted`: keys that are ours whoever made them. */
  async read(wanted: ReadonlySet<string>): Promise<KernelState> {
    const { prefix, device } = this.#names;
    const elements = parseElements(await mustRun(this.#run, 'ipset', ['save']), prefix);
    const saved = parseSaved(await mustRun(this.#run, 'ipvsadm', ['-S', '-n']));
    const known = new Set([...elements.keys()].flatMap((element) => keyOfServed(element, prefix) ?? []));
    const table = [...saved].filter(([key]) => {
      const mark = markOf(key);
      return wanted.has(key) || (mark === undefined ? known.has(key) : isOurMark(this.#names, mark));
    });
    const shown = await mustRun(this.#run, 'ip', ['-o', 'addr', 'show', 'dev', device, 'scope', 'global']);
    const addresses = [...shown.matchAll(/ inet6? ([^ /]+)/g)].map(([, address = '']) => address);
    return { table: new Map(table), elements, addresses: new Set(addresses) };
  }

  /** Rejects with the first thing that was refused; what came before it is done, what comes after it is not. */
  async change({ table, elements, newAddresses, oldAddresses }: KernelChange): Promise<void> {
    const isMark = (line: string): boolean => line.startsWith(`add ${this.#names.prefix}-mark-`);
    // Who is masqueraded or kept out is known before anybody is served, and a mark leads somewhere before it is given.
    await this.#lines(
      'ipset',
      ['restore', '-exist'],
      elements.adds.filter((line) => !isMark(line)),
    );
    await this.#lines('ipvsadm', ['-R'], table.makes);
    await this.#lines('ipset', ['restore', '-exist'], elements.adds.filter(isMark));
    await this.#lines(
      'ip',
      ['-batch', '-'],
      [
        ...newAddresses.map((address) => `addr add ${this.#onDevice(address)}${address.includes(':') ? ' nodad' : ''}`),
        ...oldAddresses.map((address) => `addr del ${this.#onDevice(address)}`),
      ],
    );
    await this.#lines('ipset', ['restore', '-exist'], elements.dels);
    await this.#lines('ipvsadm', ['-R'], table.removes);
  }

  /** By `key destination`. */
  async connections(): Promise<ReadonlyMap<string, number>> {
    return parseConnections(await mustRun(this.#run, 'ipvsadm', ['-L', '-n']));
  }

  /** The rules that look into the sets have to be gone. */
  async removeAll(families: readonly Family[], keys: Iterable<string>): Promise<void> {
    await this.#lines(
      'ipvsadm',
      ['-R'],
      [...keys].map((key) => `-D ${key}`),
    );
    const { device, prefix } = this.#names;
    const { code } = await this.#run('ip', ['link', 'show', 'dev', device]);
    if (code === 0) await mustRun(this.#run, 'ip', ['link', 'delete', device]);
    const there = new Set((await mustRun(this.#run, 'ipset', ['list', '-n'])).split('\n'));
    const ours = setNames(prefix, families).filter((name) => there.has(name));
    await this.#lines(
      'ipset',
      ['restore'],
      ours.map((name) => `destroy ${name}`),
    );
  }

  #onDevice(address: string): string {
    return `${address}/${address.includes(':') ? 128 : 32} dev ${this.#names.device}`;
  }

  async #lines(program: string, args: readonly string[], lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await mustRun(this.#run, program, args, `${lines.join('\n')}\n`);
  }
}

/** The key of the virtual service at a front: an element of the set of those that are served. */
function keyOfServed(element: string, prefix: string): string | undefined {
  const found = /^(.+)-served-[46] ([^,]+),(tcp|udp|sctp):(\d+)$/.exec(element);
  if (found === null || found[1] !== prefix) return undefined;
  const [, , address = '', protocol = '', port = ''] = found;
  return addressKey(protocol.toUpperCase() as 'TCP' | 'UDP' | 'SCTP', address, Number(port));
}
