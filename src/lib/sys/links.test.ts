// Interfaces as rtnetlink lists them: those of this machine, and answers that are cut short or nonsense.
// The list of the machine is compared with what Node knows of it.
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libcObstacle } from './libc.ts';
import { decodeLinks, listLinks } from './links.ts';

describe.skipIf(libcObstacle() !== undefined)('listLinks', () => {
  it('knows the loopback device, and the hardware address of all that have an address', () => {
    const links = listLinks();
    expect(links.find(({ name }) => name === 'lo')).toMatchObject({ index: 1, loopback: true, ethernet: false });
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      const link = links.find((one) => one.name === name);
      // It may have come or gone in between.
      if (link === undefined || !link.ethernet) continue;
      expect(
        Buffer.from(link.hardware)
          .toString('hex')
          .replace(/(..)(?=.)/g, '$1:'),
      ).toBe(addresses?.[0]?.mac);
    }
  });
});

describe('decodeLinks', () => {
  it('throws at no bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decodeLinks(bytes);
        if (bytes.length > 40) {
          const framed = bytes.slice();
          framed.set([bytes.length, 0, 0, 0, 16, 0], 0);
          decodeLinks(framed);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
