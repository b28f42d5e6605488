// A layered map holds what a plain one would, and earlier versions stay as they were.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LayeredMap } from './layered-map.ts';

const change = fc.tuple(fc.integer({ min: 0, max: 150 }), fc.option(fc.integer(), { nil: undefined }));

it('holds after any changes what a plain map holds, in every version', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 20 }), (rounds) => {
      let map = LayeredMap.of<number, { readonly value: number }>();
      const plain = new Map<number, { readonly value: number }>();
      const versions: [LayeredMap<number, object>, Map<number, object>][] = [];
      for (const round of rounds) {
        map = map.with(round.map(([key, value]) => [key, value === undefined ? undefined : { value }] as const));
        for (const [key, value] of round) {
          if (value === undefined) plain.delete(key);
          else plain.set(key, { value });
        }
        versions.push([map, new Map(plain)]);
      }
      for (const [version, wanted] of versions) {
        expect(new Map(version)).toEqual(wanted);
        expect(new Set(version.keys())).toEqual(new Set(wanted.keys()));
        expect([...version.values()]).toHaveLength(wanted.size);
        expect(version.size).toBe(wanted.size);
        for (let key = 0; key <= 150; key++)
          expect([version.get(key), version.has(key)]).toEqual([wanted.get(key), wanted.has(key)]);
      }
    }),
  );
});
