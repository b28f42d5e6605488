// Maps of every type against a plain Map, and their names in a bpf file system.
// Knows no program.
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountKernelFileSystem, unmount } from '#lib/sys/mounts.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { bpfObstacle } from '../testing/obstacle.ts';
import { BpfMap, type MapShape, type MapType } from './map.ts';
import { openPin, pin, unpin } from './pin.ts';

const shape = (type: MapType, more: Partial<MapShape> = {}): MapShape => ({
  name: `test ${type}`,
  type,
  keySize: type === 'lpm_trie' ? 8 : 4,
  valueSize: 8,
  capacity: 20_000,
  ...more,
});

/** A key of 4 bytes; for a trie the whole of it is the prefix. */
const keyOf = (type: MapType, id: number): Uint8Array =>
  new Uint8Array(new Uint32Array(type === 'lpm_trie' ? [32, id] : [id]).buffer);
const wordOf = (id: number): Uint8Array => new Uint8Array(new BigUint64Array([BigInt(id)]).buffer);
const numberOf = (bytes: Uint8Array, at = 0): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

describe.runIf(kernelAllows(bpfObstacle(), 'eBPF maps'))('eBPF maps', () => {
  describe.each(['hash', 'lru_hash', 'lpm_trie'] as const)('of type %s', (type) => {
    it('hold what a Map would hold', () => {
      const change = fc.record({ key: fc.nat(40), value: fc.option(fc.nat(1000)) });
      fc.assert(
        fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
          const map = BpfMap.create(shape(type, { capacity: 4096 }));
          const model = new Map<number, number>();
          for (const { key, value } of changes) {
            if (value === null) {
              expect(map.delete(keyOf(type, key))).toBe(model.delete(key));
            } else {
              map.set(keyOf(type, key), wordOf(value));
              model.set(key, value);
            }
            const found = map.get(keyOf(type, key));
            expect(found && numberOf(found)).toBe(model.get(key));
          }
          const all = map
            .elements()
            .map(([key, value]) => [numberOf(key, type === 'lpm_trie' ? 4 : 0), numberOf(value)]);
          expect(new Map(all as [number, number][])).toEqual(model);
          map.close();
        }),
        { numRuns: 30 },
      );
    });
  });

  it.each(['hash', 'array'] as const)('take and give thousands at once: %s', (type) => {
    const map = BpfMap.create(shape(type, { onDemand: type === 'hash' }));
    const ids = Array.from({ length: 10_000 }, (_, id) => id);
    map.setAll(ids.map((id) => [keyOf(type, id), wordOf(id * 3)]));
    const all = map.elements();
    expect(all).toHaveLength(type === 'array' ? 20_000 : 10_000);
    const right = all.filter(([key, value]) => numberOf(value) === (numberOf(key) < 10_000 ? numberOf(key) * 3 : 0));
    expect(right).toHaveLength(all.length);
    if (type === 'hash') {
      map.deleteAll(ids.slice(0, 9_999).map((id) => keyOf(type, id)));
      expect(map.elements().map(([key]) => numberOf(key))).toEqual([9_999]);
    }
    map.close();
  });

  it('match the longest prefix', () => {
    const map = BpfMap.create(shape('lpm_trie'));
    const prefix = (length: number, ...address: number[]): Uint8Array => new Uint8Array([length, 0, 0, 0, ...address]);
    map.set(prefix(8, 10, 0, 0, 0), wordOf(8));
    map.set(prefix(16, 10, 96, 0, 0), wordOf(16));
    const look = (...address: number[]): number | undefined => {
      const found = map.get(prefix(32, ...address));
      return found && numberOf(found);
    };
    expect([look(10, 96, 1, 1), look(10, 1, 1, 1), look(11, 0, 0, 1)]).toEqual([16, 8, undefined]);
    map.close();
  });

  it('say which one is full, and which key is too short', () => {
    const map = BpfMap.create(shape('hash', { capacity: 2 }));
    map.set(keyOf('hash', 1), wordOf(1));
    map.set(keyOf('hash', 2), wordOf(2));
    expect(() => map.set(keyOf('hash', 3), wordOf(3))).toThrow(
      'bpf of MAP_UPDATE_ELEM map "test hash" (capacity 2) failed: argument list too long (E2BIG)',
    );
    expect(() => map.get(new Uint8Array(3))).toThrow('A key of map "test hash" has 4 bytes, not 3');
    map.close();
  });

  describe('by name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'evbpf-'));
    beforeAll(() => mountKernelFileSystem('bpf', folder));
    afterAll(() => {
      unmount(folder);
      rmdirSync(folder);
    });

    it('outlive their descriptor, and are not taken for others', () => {
      const path = join(folder, 'kept');
      const map = BpfMap.create(shape('hash'));
      map.set(keyOf('hash', 7), wordOf(49));
      pin(map.fd, path);
      map.close();
      const again = BpfMap.adopt(openPin(path) ?? -1, shape('hash'));
      expect(numberOf(again?.get(keyOf('hash', 7)) ?? new Uint8Array(8))).toBe(49);
      expect(BpfMap.adopt(openPin(path) ?? -1, shape('hash', { capacity: 3 }))).toBeUndefined();
      again?.close();
      unpin(path);
      expect(openPin(path)).toBeUndefined();
    });
  });
});
