// A kernel map and what it should hold, so that only what differs is written and nothing need be read back.
// Knows bytes alone.
import type { BpfMap, Element } from '../bpf/map.ts';

/** Below this many changes single calls cost less than putting a batch together. */
const WORTH_A_BATCH = 8;

/** A short key that can be compared, one character a byte. */
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export class MirroredMap {
  readonly #map: BpfMap;
  readonly #wanted = new Map<string, string>();

  /** `map` is empty, and written by nobody else. */
  constructor(map: BpfMap) {
    this.#map = map;
  }

  get size(): number {
    return this.#wanted.size;
  }

  /** Returns how many elements differed. What the kernel refused counts as not written. */
  setAll(elements: readonly Element[]): number {
    const changed: Element[] = [];
    const texts: [string, string][] = [];
    for (const element of elements) {
      const [key, value] = [textOf(element[0]), textOf(element[1])];
      if (this.#wanted.get(key) === value) continue;
      changed.push(element);
      texts.push([key, value]);
    }
    if (changed.length >= WORTH_A_BATCH) {
      this.#map.setAll(changed);
    } else {
      for (const [key, value] of changed) this.#map.set(key, value);
    }
    for (const [key, value] of texts) this.#wanted.set(key, value);
    return changed.length;
  }

  deleteAll(keys: readonly Uint8Array[]): void {
    for (const key of keys) {
      if (!this.#wanted.has(textOf(key))) continue;
      this.#map.delete(key);
      this.#wanted.delete(textOf(key));
    }
  }

  /** Reads the kernel's map and puts right what differs. An array's elements that were never set are to be zero. */
  repair(): { restored: number; removed: number } {
    const missing = new Map(this.#wanted);
    const foreign: Uint8Array[] = [];
    const isArray = this.#map.shape.type === 'array';
    for (const [key, value] of this.#map.elements()) {
      const wanted = missing.get(textOf(key));
      if (wanted === textOf(value)) missing.delete(textOf(key));
      else if (wanted === undefined && !(isArray && value.every((byte) => byte === 0))) foreign.push(key);
    }
    this.#map.setAll([...missing].map(([key, value]) => [bytesOf(key), bytesOf(value)]));
    if (isArray) this.#map.setAll(foreign.map((key) => [key, new Uint8Array(this.#map.shape.valueSize)]));
    else this.#map.deleteAll(foreign);
    return { restored: missing.size, removed: foreign.length };
  }
}
