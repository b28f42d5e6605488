// maglev: a key stays with one target, looked up in a table in one step.
// Keeps no table of keys: every worker computes the same answer from the addresses alone.
import type { Balancer, Chance, Picker, PickInput, Target } from '../balancer.ts';
import { keyHash } from '../hashing/circle.ts';
import { CirclePicker } from '../hashing/circle-picker.ts';
import { MaglevTable } from '../hashing/maglev-table.ts';
import type { Policy } from '../policy.ts';
import { type MaglevConfig, parseMaglev } from './config.ts';

export const maglev: Policy<MaglevConfig> = {
  type: 'maglev',
  promises: { weights: true, sticky: true },
  parse: parseMaglev,
  create: (config) => new MaglevBalancer(config),
};

class MaglevBalancer<T extends Target> implements Balancer<T> {
  readonly #config: MaglevConfig;
  #picker: CirclePicker<T> | undefined;

  constructor(config: MaglevConfig) {
    this.#config = config;
  }

  update(targets: readonly T[]): Picker<T> {
    const { tableSize, hashBalanceFactor } = this.#config;
    this.#picker = new CirclePicker(targets, new MaglevTable(targets, tableSize), { hash: keyHash, hashBalanceFactor });
    return this.#picker;
  }

  preview(input: PickInput): readonly Chance<T>[] {
    return this.#picker?.preview(input) ?? [];
  }
}
