// The bytes of objects in one form, made once for each object, and lists of them as few long runs of these bytes.
// Knows how bytes are kept; what they say is the matter of whoever makes them.
import type { AnyObject } from '../registry/any-object.ts';

/** Bytes of many items, one behind the other. Long enough that a write costs little, short enough that few lie idle. */
const SLAB_BYTES = 256 * 1024;
/** Runs shorter than this are copied together before they are sent. */
const LONG_RUN_BYTES = 16 * 1024;
const GATHERED_BYTES = 64 * 1024;

/** Where an item's bytes are. */
interface Place {
  readonly slab: Buffer;
  readonly start: number;
  readonly end: number;
  /** What the bytes depend on besides the object. */
  readonly tag: string;
}

export interface MakeBytes {
  /** What the bytes depend on besides the object; others are made when it changes. */
  tag?(index: number): string;
  /** Bytes of the item with whatever parts it from the one before; `before` is what was made for another tag. */
  make(object: AnyObject, tag: string, before: Made | undefined): string | Uint8Array;
}

interface Made {
  readonly bytes: Uint8Array;
  readonly tag: string;
}

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

  /** The bytes of these objects, in this order. To be read, never written: others are given the same. */
  runsOf(objects: readonly AnyObject[], how: MakeBytes): Uint8Array[] {
    const runs = new Runs();
    for (const [index, object] of objects.entries()) {
      const tag = how.tag?.(index) ?? '';
      let place = this.#places.get(object);
      if (place?.tag !== tag) {
        place = this.#keep(how.make(object, tag, madeAt(place)), tag);
        this.#places.set(object, place);
      }
      runs.add(place);
    }
    return runs.finish();
  }

  #keep(content: string | Uint8Array, tag: string): Place {
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
    return { slab: this.#slab, start, end: this.#used, tag };
  }
}

function madeAt(place: Place | undefined): Made | undefined {
  return place === undefined ? undefined : { bytes: place.slab.subarray(place.start, place.end), tag: place.tag };
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
