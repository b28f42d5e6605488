// A balancer over a hash ring that it carries from update to update.
// Shared by ring_hash and ip_hash, which differ in what they hash.
import type { Balancer, Chance, Picker, PickInput, Target } from '../balancer.ts';
import { CirclePicker, type CirclePickerSettings } from './circle-picker.ts';
import { HashRing, type RingSettings } from './ring.ts';

export class RingBalancer<T extends Target> implements Balancer<T> {
  readonly #ringSettings: RingSettings;
  readonly #pickerSettings: CirclePickerSettings;
  #ring: HashRing<T> | undefined;
  #picker: CirclePicker<T> | undefined;

  constructor(ringSettings: RingSettings, pickerSettings: CirclePickerSettings) {
    this.#ringSettings = ringSettings;
    this.#pickerSettings = pickerSettings;
  }

  update(targets: readonly T[]): Picker<T> {
    this.#ring = new HashRing(targets, this.#ringSettings, this.#ring);
    this.#picker = new CirclePicker(targets, this.#ring, this.#pickerSettings);
    return this.#picker;
  }

  preview(input: PickInput): readonly Chance<T>[] {
    return this.#picker?.preview(input) ?? [];
  }
}
