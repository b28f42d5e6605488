// Finds out which resolvers lead back here: each is asked for a name that nobody else could ask for.
// Knows nothing of answers; who sees the name tells it.
import { randomBytes } from 'node:crypto';
import { type Question, types } from '../wire/message.ts';
import { type UpstreamAddress, upstreamName } from './upstream-address.ts';

/** Milliseconds between two probes of a resolver. */
const AGAIN_MS = 10_000;

interface Probe {
  readonly upstream: UpstreamAddress;
  readonly name: string;
  readonly sent: number;
}

export class LoopProbes {
  readonly #probes = new Map<string, Probe>();

  /** A question whose answer does not matter; undefined for a resolver that was probed just now. `now` is monotonic. */
  questionFor(upstream: UpstreamAddress, now: number): Question | undefined {
    const key = upstreamName(upstream);
    const last = this.#probes.get(key);
    if (last !== undefined && now - last.sent < AGAIN_MS) return undefined;
    const name = `${randomBytes(12).toString('hex')}.evenkeel-loop-probe`;
    this.#probes.set(key, { upstream, name, sent: now });
    return { name, type: types.HINFO, class: 1 };
  }

  isKnown(upstream: UpstreamAddress): boolean {
    return this.#probes.has(upstreamName(upstream));
  }

  /** The resolver that brought this question back. */
  sentTo({ name, type }: Question): UpstreamAddress | undefined {
    if (type !== types.HINFO) return undefined;
    return this.#probes.values().find((probe) => probe.name === name.toLowerCase())?.upstream;
  }
}
