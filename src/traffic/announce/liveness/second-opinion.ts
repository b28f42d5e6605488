// Asks the kernel of a node whose speaker is not heard whether it is there: a speaker that crashed is no dead node.
// Knows TCP: any answer to a SYN counts, be it yes or no; what it means is for others to say.
import { createConnection } from 'node:net';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Peer } from './members.ts';

/** Asks its `address:port`, where nobody need listen; calls `done` with whether anything came back. Returns the way to give up. */
export type Ask = (suspect: Peer, done: (answered: boolean) => void) => Cancel;

interface Asked {
  suspect: Peer;
  /** Monotonic milliseconds of the last answer, or of the first question. */
  since: number;
  nextAsk: number;
  readonly open: Set<Cancel>;
}

/** Milliseconds between two questions. */
const ASK_MS = 75;
/** A kernel that says nothing for so many milliseconds is not there; twice the round trip across a continent. */
const ANSWER_MS = 250;
/** Called less often than that, in milliseconds, this process stood still, and answers wait to be read. */
const PAUSE_MS = 150;

export class SecondOpinion {
  readonly #clock: Clock;
  readonly #ask: Ask;
  readonly #asked = new Map<string, Asked>();
  #lastWatch: number;

  constructor(clock: Clock, ask: Ask = askKernel) {
    this.#clock = clock;
    this.#ask = ask;
    this.#lastWatch = clock.now();
  }

  /** Those to ask, again and again; others are forgotten. Called several times in `ANSWER_MS`. */
  watch(suspects: readonly Peer[]): void {
    const now = this.#clock.now();
    const paused = now - this.#lastWatch;
    this.#lastWatch = now;
    if (paused > PAUSE_MS) for (const asked of this.#asked.values()) asked.since += paused;
    const names = new Set(suspects.map(({ name }) => name));
    for (const [name, asked] of this.#asked) if (!names.has(name)) this.#forget(name, asked);
    for (const suspect of suspects) {
      let asked = this.#asked.get(suspect.name);
      if (asked === undefined) {
        asked = { suspect, since: now, nextAsk: now, open: new Set() };
        this.#asked.set(suspect.name, asked);
      }
      asked.suspect = suspect;
      if (now >= asked.nextAsk) this.#askOnce(asked, now);
    }
  }

  /** Also for one that has not been asked for long enough. */
  answers(name: string): boolean {
    const asked = this.#asked.get(name);
    return asked === undefined || this.#clock.now() - asked.since < ANSWER_MS;
  }

  close(): void {
    for (const [name, asked] of this.#asked) this.#forget(name, asked);
  }

  #askOnce(asked: Asked, now: number): void {
    asked.nextAsk = now + ASK_MS;
    const cancel = this.#ask(asked.suspect, (answered) => {
      end();
      if (answered) asked.since = this.#clock.now();
    });
    const late = this.#clock.after(ANSWER_MS * 2, () => {
      end();
      cancel();
    });
    const end = (): void => {
      late();
      asked.open.delete(giveUp);
    };
    const giveUp = (): void => {
      end();
      cancel();
    };
    asked.open.add(giveUp);
  }

  #forget(name: string, { open }: Asked): void {
    this.#asked.delete(name);
    for (const giveUp of open) giveUp();
  }
}

/** What only the kernel of the host itself says. A router on the way says that it is unreachable. */
const OF_THE_HOST = new Set(['ECONNREFUSED', 'ECONNRESET']);

function askKernel({ address, port }: Peer, done: (answered: boolean) => void): Cancel {
  const socket = createConnection({ host: address, port });
  socket.on('connect', () => {
    done(true);
    socket.destroy();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => done(OF_THE_HOST.has(error.code ?? '')));
  return () => socket.destroy();
}
