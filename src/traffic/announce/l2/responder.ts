// Answers ARP and NDP for the addresses that this node was elected for, and tells the network of those that are new here.
// Knows addresses and interfaces; who was elected, and why, is decided elsewhere.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import type { L2Announcement } from '#traffic/model/announce/announcement.ts';
import { addressBytes, bytesKey } from './address-bytes.ts';
import { type FoundInterfaces, findInterfaces, type L2Interface } from './interfaces.ts';
import type { L2Metrics } from './metrics.ts';
import { Port, type PortTools } from './port.ts';

export interface ResponderOptions {
  /** Names; when empty, all that lead to a network around the node. */
  readonly interfaces: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: L2Metrics;
  /** Names of the interfaces that take part from now on, sorted. */
  readonly onInterfaces: (names: readonly string[]) => void;
}

/**
 * When an address that is new here is told of, in milliseconds from then. A host may sleep, or lose a message; one that
 * has just learned of the address pays no heed for about a second (Linux: `locktime`).
 */
const REPEATS_MS = [0, 150, 1_100, 2_200, 3_300, 4_400] as const;
/** Links come and go without a word to us. */
const LOOK_AGAIN_MS = 5_000;
/** A quarrel over an address is told of once in this time. */
const CONFLICT_QUIET_MS = 30_000;

interface Held {
  readonly bytes: Uint8Array;
  readonly interfaces: readonly string[];
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #held = new Map<string, Held>();
  readonly #ports = new Map<number, Port>();
  readonly #repeats = new Map<string, Set<Cancel>>();
  readonly #quarrels = new Map<string, number>();
  readonly #tools: PortTools;
  /** Interfaces that were asked for and said to be lacking. */
  readonly #lacking = new Set<string>();
  #names: readonly string[] = [];
  #looking: Cancel | undefined;
  #soon: Cancel | undefined;
  #closed = false;

  /** Throws when the kernel cannot be asked, or gives no packet sockets; the message says what helps. */
  constructor(options: ResponderOptions) {
    const obstacle = libcObstacle();
    if (obstacle !== undefined) {
      throw new Error(`Cannot answer for addresses by layer 2: ${obstacle}; put that right, or choose --l2 off`);
    }
    this.#options = options;
    const { log, metrics } = options;
    this.#tools = {
      holds: (address, name) => reaches(this.#held.get(bytesKey(address)), name),
      onConflict: (address, hardware, name) => this.#quarrel(address, hardware, name),
      onError: (error) => {
        log.debug({ error: error.message }, 'An interface has failed; looking at all of them again');
        this.#lookSoon();
      },
      metrics,
      log,
    };
    this.#look(true);
    this.#looking = options.clock.every(LOOK_AGAIN_MS, () => this.#look(false));
  }

  /** Everything that this node answers for from now on. */
  hold(announcements: readonly L2Announcement[]): void {
    if (this.#closed) return;
    const wanted = new Map<string, Held>();
    for (const { address, interfaces } of announcements) {
      const bytes = addressBytes(address);
      if (bytes !== undefined) wanted.set(bytesKey(bytes), { bytes, interfaces });
    }
    for (const [key, held] of this.#held) if (!sameHeld(wanted.get(key), held)) this.#drop(key, held);
    for (const [key, held] of wanted) if (!this.#held.has(key)) this.#take(key, held);
    this.#options.metrics.holds(this.#held.size);
  }

  /** Tells of all addresses anew: somebody else may have been taken for their place meanwhile. */
  announceAll(): void {
    for (const [key, held] of this.#held) this.#tell(key, held);
  }

  close(): void {
    this.#closed = true;
    this.#looking?.();
    this.#soon?.();
    for (const [key, held] of this.#held) this.#drop(key, held);
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
  }

  #take(key: string, held: Held): void {
    this.#held.set(key, held);
    for (const port of this.#portsOf(held)) port.join(held.bytes);
    this.#tell(key, held);
  }

  #drop(key: string, held: Held): void {
    this.#held.delete(key);
    this.#hush(key);
    for (const port of this.#portsOf(held)) port.leave(held.bytes);
  }

  #tell(key: string, held: Held): void {
    this.#hush(key);
    const cancels = new Set<Cancel>();
    this.#repeats.set(key, cancels);
    for (const ms of REPEATS_MS) {
      const now = (): void => {
        for (const port of this.#portsOf(held)) port.announce(held.bytes);
      };
      if (ms === 0) now();
      else cancels.add(this.#options.clock.after(ms, now));
    }
  }

  #hush(key: string): void {
    for (const cancel of this.#repeats.get(key) ?? []) cancel();
    this.#repeats.delete(key);
  }

  #portsOf(held: Held): Port[] {
    return [...this.#ports.values()].filter(({ link }) => reaches(held, link.name));
  }

  #lookSoon(): void {
    this.#soon ??= this.#options.clock.after(200, () => {
      this.#soon = undefined;
      this.#look(false);
    });
  }

  #look(first: boolean): void {
    if (this.#closed) return;
    const { interfaces, log } = this.#options;
    let now: FoundInterfaces;
    try {
      now = findInterfaces(interfaces);
    } catch (error) {
      if (first) throw error;
      log.warn({ error: (error as Error).message }, 'Cannot list the interfaces of this node');
      return;
    }
    const { found } = now;
    this.#tellLacking(now);
    for (const [index, port] of this.#ports) {
      const same = found.find((link) => link.index === index);
      if (same !== undefined && sameLink(same, port.link)) continue;
      this.#ports.delete(index);
      port.close();
      log.info({ interface: port.link.name }, 'This interface takes part in layer 2 no more');
    }
    for (const link of found) {
      if (this.#ports.has(link.index)) continue;
      try {
        this.#open(link);
      } catch (error) {
        const message = (error as Error).message;
        // Without the right to it there is none on any interface.
        if (first && /EPERM|EACCES/.test(message)) {
          throw new Error(`Cannot answer for addresses by layer 2: ${message}; grant CAP_NET_RAW, or choose --l2 off`, {
            cause: error,
          });
        }
        log.warn({ interface: link.name, error: message }, 'This interface cannot take part in layer 2');
      }
    }
    const names = [...this.#ports.values()].map(({ link }) => link.name).sort();
    if (!first && names.join() === this.#names.join()) return;
    this.#names = names;
    this.#options.onInterfaces(names);
  }

  /** Once of each: it may come at any time, and whoever has mistyped its name waits in vain. */
  #tellLacking({ lacking }: FoundInterfaces): void {
    for (const { name, why } of lacking) {
      if (this.#lacking.has(name)) continue;
      this.#lacking.add(name);
      this.#options.log.warn(
        { interface: name },
        `Interface "${name}" takes no part in layer 2: ${why}; it will when that changes. "ip link" lists those there are`,
      );
    }
  }

  #open(link: L2Interface): void {
    const port = new Port(link, this.#tools);
    this.#ports.set(link.index, port);
    for (const held of this.#held.values()) {
      if (!reaches(held, link.name)) continue;
      port.join(held.bytes);
      port.announce(held.bytes);
    }
    this.#options.log.info({ interface: link.name }, 'This interface takes part in layer 2');
  }

  #quarrel(address: Uint8Array, hardware: Uint8Array, name: string): void {
    this.#options.metrics.conflict();
    const key = bytesKey(address);
    const { clock, log } = this.#options;
    const last = this.#quarrels.get(key);
    if (last !== undefined && clock.now() - last < CONFLICT_QUIET_MS) return;
    this.#quarrels.set(key, clock.now());
    const mac = [...hardware].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    log.warn(
      { address: address.join('.'), by: mac, interface: name },
      'Another host says that it has an address held here; unless it is a speaker that takes over, give one of them another address',
    );
  }
}

function reaches(held: Held | undefined, name: string): boolean {
  return held !== undefined && (held.interfaces.length === 0 || held.interfaces.includes(name));
}

function sameHeld(one: Held | undefined, other: Held): boolean {
  return one !== undefined && one.interfaces.join('\0') === other.interfaces.join('\0');
}

function sameLink(one: L2Interface, other: L2Interface): boolean {
  return one.name === other.name && one.hardware.join() === other.hardware.join();
}
