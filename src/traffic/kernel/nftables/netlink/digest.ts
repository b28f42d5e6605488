// Elements of a set in a few numbers: how many there are, and two sums of hashes, which no order changes.
// Tells whether two sets are the same, not where they differ.
import { eachAttribute } from './element-text.ts';
import { DATA, ELEMENT, VERDICT } from './protocol.ts';

const FNV_PRIME = 0x0100_0193;
const OTHER_PRIME = 0x85eb_ca6b;

export class Digest {
  #count = 0;
  #one = 0;
  #other = 0;

  /** The element whose attributes stand from `at` to `end`, as we write it or as the kernel lists it. */
  add(view: DataView, at: number, end: number): void {
    // What is known of an element besides (times, flags, users) is not part of it.
    let [one, other] = [0x811c_9dc5, 0];
    const mix = (value: number): void => {
      one = Math.imul(one ^ value, FNV_PRIME);
      other = Math.imul(other + value + 1, OTHER_PRIME) ^ (other >>> 15);
    };
    const bytes = (from: number, to: number): void => {
      for (let place = from; place < to; place++) mix(view.getUint8(place));
    };
    eachAttribute(view, at, end, (type, from, to) => {
      if (type !== ELEMENT.key && type !== ELEMENT.keyEnd && type !== ELEMENT.data) return;
      mix(256 + type);
      eachAttribute(view, from, to, (kind, first, last) => {
        if (kind === DATA.value) bytes(first, last);
        else if (kind === DATA.verdict) {
          eachAttribute(view, first, last, (part, low, high) => {
            if (part === VERDICT.code || part === VERDICT.chain) bytes(low, high);
          });
        }
      });
    });
    this.#count++;
    this.#one = (this.#one + one) >>> 0;
    this.#other = (this.#other + other) >>> 0;
  }

  equals(that: Digest): boolean {
    return this.#count === that.#count && this.#one === that.#one && this.#other === that.#other;
  }
}
