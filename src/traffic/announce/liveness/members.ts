// Which speakers are alive, by what is heard of them: a state machine of messages and time.
// Pure: no socket, no timer; who calls brings messages and the clock's ticks, and sends what is due.
import type { Heartbeat } from './message.ts';

/** Milliseconds. */
export interface Times {
  /** Between two messages to a peer that is alive. */
  readonly everyMs: number;
  /** Of silence, after which a peer counts as dead. */
  readonly deadMs: number;
  /** Between two messages to a peer that is not heard. */
  readonly probeMs: number;
}

/** Two messages in a row may be lost, and the next be late; more is a death. */
export const DEFAULT_TIMES: Times = { everyMs: 150, deadMs: 600, probeMs: 1_000 };

export interface Peer {
  readonly name: string;
  readonly address: string;
  /** TCP, at which its kernel may be asked whether it is there. */
  readonly port: number;
}

interface Member {
  address: string;
  port: number;
  /** 0 until it has proved to speak now. */
  run: bigint;
  heard: number;
  /** Monotonic milliseconds. */
  aliveUntil: number;
  nextSend: number;
  alive: boolean;
  /** It said good-bye, and has not been heard since. */
  left: boolean;
}

/** A message to send. */
export interface Due {
  readonly address: string;
  readonly sequence: number;
  readonly answers: bigint;
}

export class Members {
  readonly #run: bigint;
  readonly #times: Times;
  readonly #members = new Map<string, Member>();
  readonly #settledAt: number;
  #sequence = 0;
  #lastTick: number;
  #judgeFrom: number;

  /** `run` names this run of the speaker: another one each time. */
  constructor(run: bigint, times: Times, now: number) {
    this.#run = run;
    this.#times = times;
    this.#settledAt = now + times.deadMs;
    this.#lastTick = now;
    this.#judgeFrom = now;
  }

  isAlive(name: string): boolean {
    return this.#members.get(name)?.alive ?? false;
  }

  get alive(): string[] {
    return [...this.#members].filter(([, { alive }]) => alive).map(([name]) => name);
  }

  /**
   * The peers there are, without this one. Those known from the start count as alive until they had time to speak: who
   * has just come must not take everything. Those that come later are alive once they speak.
   */
  setPeers(peers: readonly Peer[], now: number): void {
    const names = new Set(peers.map(({ name }) => name));
    for (const name of this.#members.keys()) if (!names.has(name)) this.#members.delete(name);
    for (const { name, address, port } of peers) {
      const known = this.#members.get(name);
      if (known !== undefined) {
        known.address = address;
        known.port = port;
        continue;
      }
      const alive = now < this.#settledAt;
      const aliveUntil = now + this.#times.deadMs;
      this.#members.set(name, { address, port, run: 0n, heard: -1, aliveUntil, nextSend: now, alive, left: false });
    }
  }

  /**
   * A message counts only when it names this run, which no old one does: then its sender has heard us since we started.
   * Any other is answered by naming the run that it comes from, so that the sender can prove itself. `changed`: a peer
   * is alive now, or no more.
   */
  hear(message: Heartbeat, now: number): { readonly changed: boolean; readonly reply: Due | undefined } {
    const member = this.#members.get(message.from);
    if (member === undefined) return { changed: false, reply: undefined };
    if (message.answers !== this.#run) return { changed: false, reply: this.#due(member, message.run) };
    const known = message.run === member.run;
    if (known && message.sequence <= member.heard) return { changed: false, reply: undefined };
    const was = member.alive;
    member.run = message.run;
    member.heard = message.sequence;
    member.alive = !message.leaving;
    member.left = message.leaving;
    member.aliveUntil = now + this.#times.deadMs;
    if (member.alive && !was) member.nextSend = now;
    return { changed: was !== member.alive, reply: known ? undefined : this.#due(member, message.run) };
  }

  /**
   * What is to be sent, and whether somebody has died; called several times an interval. After a pause of our own, told
   * in milliseconds, nobody is judged until what waits has been read.
   */
  tick(now: number): { readonly due: readonly Due[]; readonly changed: boolean; readonly pausedMs: number } {
    const pausedMs = now - this.#lastTick;
    this.#lastTick = now;
    if (pausedMs > this.#times.everyMs) this.#judgeFrom = now + this.#times.everyMs;
    let changed = false;
    const due: Due[] = [];
    for (const member of this.#members.values()) {
      if (member.alive && now >= member.aliveUntil && now >= this.#judgeFrom) {
        member.alive = false;
        changed = true;
      }
      if (now < member.nextSend) continue;
      member.nextSend = now + (member.alive ? this.#times.everyMs : this.#times.probeMs);
      due.push(this.#due(member, member.run));
    }
    return { due, changed, pausedMs };
  }

  /** How many have proved to speak since this run began, and did not take leave: alive or not. */
  get proved(): number {
    return [...this.#members.values()].filter(hasProved).length;
  }

  /** Those of them that were not heard for `ms`. */
  unheard(ms: number, now: number): Peer[] {
    const since = (member: Member): number => now - (member.aliveUntil - this.#times.deadMs);
    return [...this.#members]
      .filter(([, member]) => hasProved(member) && since(member) >= ms)
      .map(([name, { address, port }]) => ({ name, address, port }));
  }

  /** Those of them that count as dead. */
  get dead(): string[] {
    return [...this.#members].filter(([, member]) => hasProved(member) && !member.alive).map(([name]) => name);
  }

  /** One message to each, as at the end. */
  toAll(): Due[] {
    return [...this.#members.values()].map((member) => this.#due(member, member.run));
  }

  #due({ address }: Member, answers: bigint): Due {
    this.#sequence += 1;
    return { address, sequence: this.#sequence, answers };
  }
}

function hasProved({ run, left }: Member): boolean {
  return run !== 0n && !left;
}
