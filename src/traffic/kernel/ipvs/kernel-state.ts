// The kernel's side of the driver: what is there is read into plain data, and a change is carried out in an order in
// which no client meets half of it. Decides nothing.
import type { Family } from '#lib/ip.ts';
import type { RunProgram } from '../programs.ts';
import { createSets, type ElementChange, type Elements, parseElements, setNames } from './ip-sets.ts';
import { isOurMark, type Names } from './names.ts';
import { parseConnections, parseSaved, type TableChange } from './restore-text.ts';
import { addressKey, type IpvsTable, markOf } from './table.ts';
import { mustRunAll, type Step } from './tools.ts';

export interface KernelState {
  readonly table: IpvsTable;
  readonly elements: Elements;
  readonly addresses: ReadonlySet<string>;
}

/** Everything that was there, whoever made it. */
export interface Seen {
  readonly table: IpvsTable;
  /** Of our sets. */
  readonly elements: Elements;
  readonly sets: readonly string[];
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
  readonly #run: RunProgram;
  readonly #names: Names;

  constructor(run: RunProgram, names: Names) {
    this.#run = run;
    this.#names = names;
  }

  /** Makes what is there whatever Services there are; what is there already stays. */
  async prepare(families: readonly Family[]): Promise<void> {
    const { device, prefix } = this.#names;
    const writes = SETTINGS.map(([path, value]) => `echo ${value} > /proc/sys/net/${path}`);
    const link = `ip link show dev ${device} >/dev/null 2>&1 || ip link add ${device} type dummy; ip link set ${device} up`;
    await mustRunAll(this.#run, [
      // Asking is what loads the module.
      { program: 'ipvsadm', args: ['-L', '-n', '--timeout'] },
      { program: 'sh', args: ['-ec', [...writes, link].join('\n')] },
      ...step('ipset', ['restore', '-exist'], createSets(prefix, families)),
    ]);
  }

  async look(): Promise<Seen> {
    const { prefix, device } = this.#names;
    const [sets = '', table = '', addresses = ''] = await mustRunAll(this.#run, [
      { program: 'ipset', args: ['save'] },
      { program: 'ipvsadm', args: ['-S', '-n'] },
      // What has no device has no addresses of it.
      { program: 'sh', args: ['-c', `ip -o addr show dev ${device} scope global 2>/dev/null || :`] },
    ]);
    return {
      table: parseSaved(table),
      elements: parseElements(sets, prefix),
      sets: [...sets.matchAll(/^create (\S+) /gm)].map(([, name = '']) => name),
      addresses: new Set([...addresses.matchAll(/ inet6? ([^ /]+)/g)].map(([, address = '']) => address)),
    };
  }

  /** Of what was seen, what is ours. `wanted`: keys that are ours whoever made them. */
  ours({ table, elements, addresses }: Seen, wanted: ReadonlySet<string>): KernelState {
    const { prefix } = this.#names;
    const known = new Set([...elements.keys()].flatMap((element) => keyOfServed(element, prefix) ?? []));
    const own = [...table].filter(([key]) => {
      const mark = markOf(key);
      return wanted.has(key) || (mark === undefined ? known.has(key) : isOurMark(this.#names, mark));
    });
    return { table: new Map(own), elements, addresses };
  }

  /** Rejects with the first thing that was refused; what came before it is done, what comes after it is not. */
  async change({ table, elements, newAddresses, oldAddresses }: KernelChange): Promise<void> {
    const isMark = (line: string): boolean => line.startsWith(`add ${this.#names.prefix}-mark-`);
    // Who is masqueraded or kept out is known before anybody is served, and a mark leads somewhere before it is given.
    const marks = elements.adds.filter(isMark);
    const addresses = [
      ...newAddresses.map((address) => `addr add ${this.#onDevice(address)}${address.includes(':') ? ' nodad' : ''}`),
      ...oldAddresses.map((address) => `addr del ${this.#onDevice(address)}`),
    ];
    const restore = ['restore', '-exist'];
    await mustRunAll(this.#run, [
      ...step(
        'ipset',
        restore,
        elements.adds.filter((line) => !isMark(line)),
      ),
      ...step('ipvsadm', ['-R'], table.makes),
      ...(addresses.length === 0
        ? step('ipset', restore, [...marks, ...elements.dels])
        : [
            ...step('ipset', restore, marks),
            ...step('ip', ['-batch', '-'], addresses),
            ...step('ipset', restore, elements.dels),
          ]),
      ...step('ipvsadm', ['-R'], table.removes),
    ]);
  }

  /** By `key destination`. */
  async connections(): Promise<ReadonlyMap<string, number>> {
    const [text = ''] = await mustRunAll(this.#run, [{ program: 'ipvsadm', args: ['-L', '-n'] }]);
    return parseConnections(text);
  }

  /** The rules that look into the sets have to be gone. */
  async removeAll(families: readonly Family[], seen: Seen, keys: Iterable<string>): Promise<void> {
    const { device, prefix } = this.#names;
    const ours = setNames(prefix, families).filter((name) => seen.sets.includes(name));
    await mustRunAll(this.#run, [
      ...step(
        'ipvsadm',
        ['-R'],
        [...keys].map((key) => `-D ${key}`),
      ),
      {
        program: 'sh',
        args: ['-c', `! ip link show dev ${device} >/dev/null 2>&1 || ip link delete ${device}`],
      },
      ...step(
        'ipset',
        ['restore'],
        ours.map((name) => `destroy ${name}`),
      ),
    ]);
  }

  #onDevice(address: string): string {
    return `${address}/${address.includes(':') ? 128 : 32} dev ${this.#names.device}`;
  }
}

/** A program that reads these lines; none where there are none. */
function step(program: string, args: readonly string[], lines: readonly string[]): Step[] {
  return lines.length === 0 ? [] : [{ program, args, input: `${lines.join('\n')}\n` }];
}

/** The key of the virtual service at a front: an element of the set of those that are served. */
function keyOfServed(element: string, prefix: string): string | undefined {
  const found = /^(.+)-served-[46] ([^,]+),(tcp|udp|sctp):(\d+)$/.exec(element);
  if (found === null || found[1] !== prefix) return undefined;
  const [, , address = '', protocol = '', port = ''] = found;
  return addressKey(protocol.toUpperCase() as 'TCP' | 'UDP' | 'SCTP', address, Number(port));
}
