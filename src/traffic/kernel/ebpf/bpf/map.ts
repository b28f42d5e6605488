// eBPF maps: tables that programs in the kernel and this process share.
// Knows bytes alone; what keys and values mean is their owner's business.
import { closeSync } from 'node:fs';
import { SystemCallError } from '#lib/sys/errno.ts';
import { Attribute, bpf, tryBpf } from './attribute.ts';

/** `enum bpf_map_type`. */
export const MAP_TYPES = { hash: 1, array: 2, lru_hash: 9, lpm_trie: 11 } as const;
export type MapType = keyof typeof MAP_TYPES;

const NO_PREALLOC = 1;
const NOT_FOUND = 2;
const NO_SPACE = 28;
/** Elements that one call of the kernel writes or reads. */
const BATCH = 4096;

export interface MapShape {
  readonly name: string;
  readonly type: MapType;
  /** Bytes. The key of an array is a number of 4 bytes, that of a trie begins with a prefix length of 4 bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  /** The kernel refuses more. */
  readonly capacity: number;
  /** Take memory for elements when they come instead of all at once; a trie always does. Not for `lru_hash`. */
  readonly onDemand?: boolean;
}

export type Element = readonly [key: Uint8Array, value: Uint8Array];

export class BpfMap {
  readonly fd: number;
  readonly shape: MapShape;

  private constructor(fd: number, shape: MapShape) {
    this.fd = fd;
    this.shape = shape;
  }

  static create(shape: MapShape): BpfMap {
    const onDemand = shape.onDemand === true || shape.type === 'lpm_trie';
    const attribute = new Attribute(48)
      .u32(0, MAP_TYPES[shape.type])
      .u32(4, shape.keySize)
      .u32(8, shape.valueSize)
      .u32(12, shape.capacity)
      .u32(16, onDemand ? NO_PREALLOC : 0)
      .name(28, shape.name);
    return new BpfMap(bpf('MAP_CREATE', attribute, `map "${shape.name}"`), shape);
  }

  /** A map that exists already, by a descriptor that becomes its own (pin.ts). Undefined when its shape is another. */
  static adopt(fd: number, shape: MapShape): BpfMap | undefined {
    const info = new Uint8Array(24);
    const attribute = new Attribute(16).u32(0, fd).u32(4, info.length).pointer(8, info);
    bpf('OBJ_GET_INFO_BY_FD', attribute, `map "${shape.name}"`);
    const [type, , keySize, valueSize, capacity] = new Uint32Array(info.buffer);
    const same =
      type === MAP_TYPES[shape.type] &&
      keySize === shape.keySize &&
      valueSize === shape.valueSize &&
      capacity === shape.capacity;
    return same ? new BpfMap(fd, shape) : undefined;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.shape.valueSize);
    const result = tryBpf('MAP_LOOKUP_ELEM', this.#element(key).pointer(16, value));
    if (result === -NOT_FOUND) return undefined;
    if (result < 0) throw this.#failure('MAP_LOOKUP_ELEM', result);
    return value;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    const result = tryBpf('MAP_UPDATE_ELEM', this.#element(key).pointer(16, this.#sized(value, 'value')));
    if (result < 0) throw this.#failure('MAP_UPDATE_ELEM', result);
  }

  /** Whether it was there. */
  delete(key: Uint8Array): boolean {
    const result = tryBpf('MAP_DELETE_ELEM', this.#element(key));
    if (result === -NOT_FOUND) return false;
    if (result < 0) throw this.#failure('MAP_DELETE_ELEM', result);
    return true;
  }

  /** Many at once: a call for thousands. When it throws, some of them may be in force. */
  setAll(elements: readonly Element[]): void {
    const { keySize, valueSize } = this.shape;
    for (let from = 0; from < elements.length; from += BATCH) {
      const part = elements.slice(from, from + BATCH);
      const keys = new Uint8Array(part.length * keySize);
      const values = new Uint8Array(part.length * valueSize);
      for (const [index, [key, value]] of part.entries()) {
        keys.set(this.#sized(key, 'key'), index * keySize);
        values.set(this.#sized(value, 'value'), index * valueSize);
      }
      const result = tryBpf('MAP_UPDATE_BATCH', this.#batch(keys, values, part.length));
      if (result < 0) throw this.#failure('MAP_UPDATE_BATCH', result);
    }
  }

  /** Keys that are not there are no error. */
  deleteAll(keys: readonly Uint8Array[]): void {
    for (const key of keys) this.delete(key);
  }

  /** Everything in the map. What changes meanwhile may or may not be seen. */
  elements(): Element[] {
    const { keySize, valueSize, type } = this.shape;
    const found: Element[] = [];
    // Where the next call goes on is the kernel's secret: a key, or the number of a bucket.
    const place = new Uint8Array(Math.max(keySize, 4));
    let first = true;
    for (let size = BATCH; ; first = false) {
      const keys = new Uint8Array(size * keySize);
      const values = new Uint8Array(size * valueSize);
      const attribute = this.#batch(keys, values, size).pointer(8, place);
      if (!first) attribute.pointer(0, place);
      const result = tryBpf('MAP_LOOKUP_BATCH', attribute);
      // A bucket that is larger than what was given.
      if (result === -NO_SPACE && type !== 'array') {
        size *= 2;
        continue;
      }
      if (result < 0 && result !== -NOT_FOUND) throw this.#failure('MAP_LOOKUP_BATCH', result);
      const count = attribute.read(32);
      for (let index = 0; index < count; index++) {
        found.push([
          keys.slice(index * keySize, (index + 1) * keySize),
          values.slice(index * valueSize, (index + 1) * valueSize),
        ]);
      }
      if (result === -NOT_FOUND) return found;
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  #element(key: Uint8Array): Attribute {
    return new Attribute(32).u32(0, this.fd).pointer(8, this.#sized(key, 'key'));
  }

  #batch(keys: Uint8Array, values: Uint8Array, count: number): Attribute {
    return new Attribute(56).pointer(16, keys).pointer(24, values).u32(32, count).u32(36, this.fd);
  }

  /** The kernel would read or write beyond memory that is too short. */
  #sized(memory: Uint8Array, what: 'key' | 'value'): Uint8Array {
    const wanted = what === 'key' ? this.shape.keySize : this.shape.valueSize;
    if (memory.length === wanted) return memory;
    throw new RangeError(`A ${what} of map "${this.shape.name}" has ${wanted} bytes, not ${memory.length}`);
  }

  #failure(command: string, result: number): SystemCallError {
    const { name, capacity } = this.shape;
    return new SystemCallError('bpf', -result, `${command} map "${name}" (capacity ${capacity})`);
  }
}
