// Which listeners are in each other's way on a port, and what they are told.
// Knows no route. Costs the same for each listener, however many there are.
import type { Fault } from './conditions.ts';
import type { ListenerView } from './listener-view.ts';

/** Who can be told apart on one port: by host, by server name, or not at all. */
function family(protocol: string): string {
  return protocol === 'HTTPS' || protocol === 'TLS' ? 'server name' : protocol;
}

/**
 * Marks listeners that cannot be told apart. Among those of one owner none is chosen before another, as upstream wants
 * it; a listener that is told later (of a ListenerSet, the younger ones last) gives way to those before it.
 */
export function markConflicts(groups: readonly (readonly ListenerView[])[]): void {
  const taken = new Rivals();
  for (const group of groups) {
    const sound = group.filter(({ acceptFault: fault }) => fault === undefined);
    const own = new Rivals();
    for (const listener of sound) own.add(listener);
    for (const listener of sound) {
      const other = taken.of(listener) ?? own.of(listener);
      if (other !== undefined) listener.conflict = conflict(listener, other);
    }
    for (const listener of sound) if (listener.conflict === undefined) taken.add(listener);
  }
}

/** Listeners in the order in which they come, found by what others can be in the way of. */
class Rivals {
  /** By port, then by what they are told apart by; the first two, for the first may be who asks. */
  readonly #families = new Map<string, Map<string, Entry[]>>();
  readonly #hosts = new Map<string, Entry[]>();
  #count = 0;

  add(listener: ListenerView): void {
    const entry = { listener, at: this.#count++ };
    const families = this.#families.get(portOf(listener)) ?? new Map<string, Entry[]>();
    this.#families.set(portOf(listener), families);
    const name = family(listener.spec.protocol);
    families.set(name, addFew(families.get(name), entry));
    this.#hosts.set(hostOf(listener), addFew(this.#hosts.get(hostOf(listener)), entry));
  }

  /** The first that is in the way. */
  of(listener: ListenerView): ListenerView | undefined {
    const own = family(listener.spec.protocol);
    let found: Entry | undefined;
    const consider = (entries: readonly Entry[] = []): void => {
      const entry = entries.find((one) => one.listener !== listener);
      if (entry !== undefined && (found === undefined || entry.at < found.at)) found = entry;
    };
    for (const [name, entries] of this.#families.get(portOf(listener)) ?? []) {
      if (name !== own || !isToldByHost(listener)) consider(entries);
    }
    if (isToldByHost(listener)) consider(this.#hosts.get(hostOf(listener)));
    return found?.listener;
  }
}

interface Entry {
  readonly listener: ListenerView;
  readonly at: number;
}

function addFew(entries: Entry[] = [], entry: Entry): Entry[] {
  if (entries.length < 2) entries.push(entry);
  return entries;
}

function portOf({ spec }: ListenerView): string {
  return `${spec.port}${spec.protocol === 'UDP' ? '/udp' : ''}`;
}

function hostOf(listener: ListenerView): string {
  return `${portOf(listener)} ${family(listener.spec.protocol)} ${listener.hostname}`;
}

function isToldByHost({ spec }: ListenerView): boolean {
  return spec.protocol !== 'TCP' && spec.protocol !== 'UDP';
}

/** Of two that cannot be told apart. */
function conflict(a: ListenerView, b: ListenerView): Fault {
  const whose =
    b.owner.kind === 'Gateway'
      ? `listener "${b.spec.name}"`
      : `listener "${b.spec.name}" of ListenerSet "${b.owner.key}"`;
  if (family(a.spec.protocol) !== family(b.spec.protocol)) {
    return {
      reason: 'ProtocolConflict',
      message: `Port ${a.spec.port} cannot be ${a.spec.protocol} while ${whose} has it for ${b.spec.protocol}: choose another port`,
    };
  }
  const byHost = isToldByHost(a);
  if (a.spec.protocol !== b.spec.protocol) {
    return {
      reason: 'ProtocolConflict',
      message: `Port ${a.spec.port} with host "${a.hostname}" cannot be ${a.spec.protocol} while ${whose} has it for ${b.spec.protocol}: choose another hostname or port`,
    };
  }
  return {
    reason: 'HostnameConflict',
    message: byHost
      ? `Port ${a.spec.port} with host "${a.hostname}" is that of ${whose} as well: choose another hostname or port`
      : `Port ${a.spec.port} is that of ${whose} as well: choose another port`,
  };
}
