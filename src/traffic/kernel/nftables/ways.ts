// How fronts lead to chains: straight by verdicts, or by numbers, which the kernel need not follow when one comes.
// Pure: names and rules. What the chains do is others' matter.
import type { Family } from '#lib/ip.ts';
import type { Chain } from './chains.ts';
import { dialectOf, frontKey, type SetName } from './layout.ts';

/**
 * `numbers`: a map of fronts says a number, and a small map leads from the number to the chain. For a verdict that comes,
 * the kernel looks at all the verdicts that it has; for a number it looks at nothing. nft 1.0.6 has no words for a look
 * into one map by what another said, so that whoever writes with it has `verdicts` in the map of fronts.
 */
export type Style = 'numbers' | 'verdicts';

/** Who is led, and in which map of each style. */
export const LEADS = {
  all: { verdicts: 'services', numbers: 'service-ways' },
  shortcut: { verdicts: 'shortcuts', numbers: 'shortcut-ways' },
  local: { verdicts: 'locals', numbers: 'local-ways' },
} as const satisfies Readonly<Record<string, Readonly<Record<Style, SetName>>>>;

export type Lead = keyof typeof LEADS;

/** Kinds of chains that take a slot, in the words of chains.ts. */
const KINDS = ['local-random', 'local-hash', 'random', 'hash'].flatMap((kind) =>
  ['tcp', 'udp', 'sctp'].map((protocol) => ({ before: `${kind}-`, after: `-${protocol}` })),
);
const KIND_UNIT = 2 ** 27;
const AFFINITY = { before: 'affinity-', number: 2 ** 31 };

/** The number of the chain with this name, which is always the same; undefined for chains that no front leads to. */
export function wayNumber(chain: string): number | undefined {
  if (chain.startsWith(AFFINITY.before)) return AFFINITY.number + Number(chain.slice(AFFINITY.before.length));
  const kind = KINDS.findIndex(({ before, after }) => chain.startsWith(before) && chain.endsWith(after));
  const { before, after } = KINDS[kind] ?? {};
  if (before === undefined || after === undefined) return undefined;
  return (kind + 1) * KIND_UNIT + Number(chain.slice(before.length, -after.length));
}

/** Whether a chain takes a slot for any Service, or helps to: there are few, so that they stay once they are there. */
export function takesSlots(chain: string): boolean {
  return chain.startsWith('draw-') || (!chain.startsWith(AFFINITY.before) && wayNumber(chain) !== undefined);
}

/** Chains that are always there, with the rules that lead fronts to others. */
export function leadingChains(family: Family, style: Style): readonly Chain[] {
  const { ip } = dialectOf(family);
  const front = frontKey(ip);
  const lead = (who: Lead): string =>
    style === 'verdicts' ? `${front} vmap @${LEADS[who].verdicts}` : `${front} map @${LEADS[who].numbers} vmap @ways`;
  return [
    { name: 'translate', rules: [lead('all'), `${front} @by-source goto by-source`] },
    // externalTrafficPolicy Local: pods and the node itself go to any endpoint, others to those of the node.
    {
      name: 'by-source',
      rules: [
        `${ip} saddr @pod-ranges ${lead('shortcut')}`,
        `fib saddr type local ${lead('shortcut')}`,
        `${ip} saddr @pod-ranges return`,
        'fib saddr type local return',
        lead('local'),
      ],
    },
  ];
}
