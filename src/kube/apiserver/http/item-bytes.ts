// The bytes of objects in one form, made once for each object, and lists of them as few long runs of these bytes.
// Knows how bytes are kept; what they say is the matter of whoever makes them.
import type { AnyObject } from '../registry/any-object.ts';

/** Bytes of many items, one behind the other. Long enough that a write costs little, short enough that few lie idle. */
const SLAB_BYTES = 256 * 1024;
/** Runs shorter than this are copied together before they are sent. */
const LONG_RUN_BYTES = 16 * 1024;
const GATHERED_BYTES = 64 * 1024;

/** Where an item's bytes are. To be read, never written: all lists are given the same. */
export interface Place {
  readonly slab: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Bytes of an item with whatever parts it from the one before. */
export type MakeBytes = (object: AnyObject) => string | Uint8Array;

/** Stored objects are frozen, so their bytes last as long as they do. */
export class ItemBytes {
  readonly #maxBytes: number;
  #places = new WeakMap<AnyObject, Place>();
  #bytes = 0;
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;

  /** Beyond `maxBytes` everything is forgotten, and what is asked for comes again. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  of(object: AnyObject, make: MakeBytes): Place {
    const known = this.#places.get(object);
    if (known !== undefined) return known;
    const place = this.#keep(make(object));
    this.#places.set(object, place);
    return place;
  }

  /** The bytes of these objects, in this order. */
  runsOf(objects: readonly AnyObject[], make: MakeBytes): Uint8Array[] {
    const runs = new Runs();
    for (const object of objects) runs.add(this.of(object, make));
    return runs.finish();
  }

  #keep(content: string | Uint8Array): Place {
    const length = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
    // Objects that went have taken theirs along without telling: the sum is too high, never too low.
    if (this.#bytes + length > this.#maxBytes) {
      this.#places = new WeakMap();
      this.#bytes = 0;
      this.#slab = Buffer.alloc(0);
      this.#used = 0;
    }
    this.#bytes += length;
    if (this.#slab.length - this.#used < length) {
      // The first is as large as its items: most resources have a handful of objects.
      const size = this.#slab.length === 0 ? length : Math.min(SLAB_BYTES, this.#slab.length * 2);
      this.#slab = Buffer.allocUnsafeSlow(Math.max(size, length));
      this.#used = 0;
    }
    const start = this.#used;
    if (typeof content === 'string') this.#slab.write(content, start);
    else this.#slab.set(content, start);
    this.#used += length;
    return { slab: this.#slab, start, end: this.#used };
  }
}

/** Joins items that lie side by side, and copies together those that lie alone. */
class Runs {
  readonly #done: Uint8Array[] = [];
  #short: Uint8Array[] = [];
  #shortBytes = 0;
  #slab: Buffer | undefined;
  #start = 0;
  #end = 0;

  add({ slab, start, end }: Place): void {
    if (slab === this.#slab && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#endRun();
    this.#slab = slab;
    this.#start = start;
    this.#end = end;
  }

  finish(): Uint8Array[] {
    this.#endRun();
    this.#gather();
    return this.#done;
  }

  #endRun(): void {
    if (this.#slab === undefined) return;
    const run = this.#slab.subarray(this.#start, this.#end);
    if (run.length >= LONG_RUN_BYTES) {
      this.#gather();
      this.#done.push(run);
      return;
    }
    this.#short.push(run);
    this.#shortBytes += run.length;
    if (this.#shortBytes >= GATHERED_BYTES) this.#gather();
  }

  #gather(): void {
    if (this.#short.length === 1) this.#done.push(...this.#short);
    else if (this.#short.length > 1) this.#done.push(Buffer.concat(this.#short, this.#shortBytes));
    this.#short = [];
    this.#shortBytes = 0;
  }
}
