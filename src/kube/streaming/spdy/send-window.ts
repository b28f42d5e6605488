// What may still be sent on a stream, when the peer counts; most peers of this world never do.
// Knows numbers only.

/** As the draft says, until the peer says otherwise. */
const INITIAL = 64 * 1024;
const MAX = 0x7fff_ffff;

/** Shared by all streams of a session: the peer counts once it has said a word about windows. */
export class WindowPolicy {
  counts = false;
  initial = INITIAL;
}

export class SendWindow {
  readonly #policy: WindowPolicy;
  #size: number;
  #waiting: (() => void)[] = [];

  constructor(policy: WindowPolicy, size = policy.initial) {
    this.#policy = policy;
    this.#size = size;
  }

  /** How much of `wanted` bytes may go now; they are taken off. */
  take(wanted: number): number {
    const granted = this.#policy.counts ? Math.max(0, Math.min(wanted, this.#size)) : wanted;
    // Without counting it goes down to what a peer that begins to count late would have granted.
    this.#size = Math.max(-MAX, this.#size - granted);
    return granted;
  }

  /** Gives back what was taken and not sent. */
  untake(bytes: number): void {
    this.#size += bytes;
  }

  /** `false` when the window would grow past what it can be. */
  grow(delta: number): boolean {
    this.#size += delta;
    if (this.#size > MAX) return false;
    if (this.#size > 0) this.release();
    return true;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waits looks again. */
  release(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
