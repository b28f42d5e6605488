// ip_hash: a client address stays with one target, and moves only when that target goes.
// Keeps no table of clients: every worker computes the same answer from the addresses alone.
import { hash32, mix32 } from '#lib/hash.ts';
import type { Balancer, Pick, Picker, PickInput, Target } from '../balancer.ts';
import { certain } from '../chances.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { type IpHashConfig, parseIpHash } from './config.ts';

/**
 * Weighted rendezvous hashing (highest random weight): client and target are hashed together, and the target
 * with the highest score wins. When a target goes, only its own clients move, and they spread over all others;
 * when one comes, it takes its share of clients from all others and moves no one else.
 * A pick is one pass over the targets.
 */
export const ipHash: Policy<IpHashConfig> = {
  type: 'ip_hash',
  promises: { weights: true, sticky: true },
  parse: parseIpHash,
  create<T extends Target>(): Balancer<T> {
    let current: readonly T[] = [];
    let picker = new IpHashPicker<T>([]);
    return {
      update(targets) {
        current = targets;
        picker = new IpHashPicker(targets);
        return picker;
      },
      preview(input) {
        const pick = picker.pick(input);
        return certain(current, pick.type === 'target' ? pick.target : undefined);
      },
    };
  },
};

const TWO_TO_32 = 2 ** 32;

class IpHashPicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #hashes: Uint32Array;
  readonly #equalWeights: boolean;

  constructor(targets: readonly T[]) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#hashes = Uint32Array.from(targets, (target) => hash32(`${target.address} ${target.port}`));
    this.#equalWeights = targets.every((target) => target.weight === targets[0]?.weight);
  }

  pick({ clientAddress, tried }: PickInput): Pick<T> {
    const client = hash32(clientAddress);
    const place = tried.length > 0 ? this.#highest(client, tried) : -1;
    return this.#picks[place < 0 ? this.#highest(client, noneTried) : place] ?? noTargets;
  }

  #highest(client: number, tried: readonly Target[]): number {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let place = 0; place < this.#hashes.length; place++) {
      const target = this.#targets[place];
      if (target === undefined || (tried.length > 0 && tried.includes(target))) continue;
      const hash = mix32(client ^ (this.#hashes[place] ?? 0));
      // -weight / ln(u) with u uniform in (0, 1) gives every target its weight's share; equal weights need no logarithm.
      const score = this.#equalWeights ? hash : -target.weight / Math.log((hash + 0.5) / TWO_TO_32);
      if (score > bestScore) {
        bestScore = score;
        best = place;
      }
    }
    return best;
  }
}

const noneTried: readonly Target[] = [];
