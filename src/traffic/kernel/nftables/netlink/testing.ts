// Elements drawn at random, as the tables have them, for tests of the ways to write them.
// Knows what each set may hold.
import fc from 'fast-check';
import { canonicalCidr, canonicalIp, type Family } from '#lib/ip.ts';
import type { Element } from '../batch.ts';
import { SET_KINDS, type SetName } from '../layout.ts';

const port = fc.integer({ min: 0, max: 65_535 }).map(String);
const number = fc.integer({ min: 1, max: 0xffff_ffff }).map(String);
const protocol = fc.constantFrom('tcp', 'udp', 'sctp');

function addressOf(family: Family): fc.Arbitrary<string> {
  // `nft` takes an address of zeros for a range, and writes addresses that hold one of IPv4 in another way.
  const drawn = family === 'IPv4' ? fc.ipV4() : fc.ipV6().filter((text) => !text.includes('.'));
  return drawn.map((text) => canonicalIp(text) ?? '').filter((text) => text !== '' && !/^(0|::)/.test(text));
}

function rangeOf(family: Family): fc.Arbitrary<string> {
  const bits = family === 'IPv4' ? 32 : 128;
  const range = fc.tuple(addressOf(family), fc.integer({ min: 1, max: bits - 1 }));
  return range.map(([address, prefix]) => canonicalCidr(`${address}/${prefix}`) ?? '').filter((text) => text !== '');
}

/** The kernel knows which statements may stand at which hook. */
const VERDICTS: Readonly<Record<string, readonly string[]>> = {
  remember: ['drop', 'return'],
};
const TRANSLATIONS = ['drop', 'goto random-2-tcp', 'goto hash-251-udp'];

/** Names of the sets whose elements can be drawn. */
export const DRAWN_SETS: readonly SetName[] = (Object.keys(SET_KINDS) as SetName[]).filter(
  (set) => !set.endsWith('-ranges'),
);

/** An element of any set but the plain ranges of a node. */
export function elementOf(family: Family): fc.Arbitrary<Element> {
  return fc.constantFrom(...DRAWN_SETS).chain((set) => elementIn(family, set));
}

function elementIn(family: Family, set: SetName): fc.Arbitrary<Element> {
  const address = addressOf(family);
  // The protocol is that of the map, where it is of one.
  const own = /endpoints-(\w+)$/.exec(set)?.[1];
  const front = fc
    .tuple(address, own === undefined ? protocol : fc.constant(own), port)
    .map((parts) => parts.join(' . '));
  const none = fc.constant('');
  const made = (key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Element> =>
    fc.record({ set: fc.constant(set), key, value });
  const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
    fc.tuple(...parts).map((words) => words.join(' . '));
  if (set.includes('endpoints')) {
    return made(joined(front, fc.integer({ min: 0, max: 20_000 }).map(String)), joined(address, port));
  }
  switch (set) {
    case 'service-ways':
    case 'shortcut-ways':
    case 'local-ways':
      return made(front, number);
    case 'ways':
      return made(joined(fc.constant('0'), number), fc.constantFrom(...TRANSLATIONS));
    case 'by-source':
    case 'rejected':
    case 'dropped':
    case 'masqueraded':
      return made(front, none);
    case 'cluster-ips':
      return made(address, none);
    case 'selves':
      return made(joined(address, address), none);
    case 'firewalled':
      return made(front, none);
    case 'allowed':
      return made(joined(front, fc.oneof(rangeOf(family), address)), none);
    default:
      return made(front, fc.constantFrom(...(VERDICTS[set] ?? TRANSLATIONS)));
  }
}
