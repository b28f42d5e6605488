// Communities (RFC 1997) and large communities (RFC 8092) as text and numbers.
// Knows no attribute.

const MAX_16 = 0xffff;
const MAX_32 = 0xffff_ffff;

/** Names that operators use for communities that mean the same everywhere. */
const WELL_KNOWN: Readonly<Record<string, number>> = {
  'graceful-shutdown': 0xffff_0000,
  blackhole: 0xffff_029a,
  'no-export': 0xffff_ff01,
  'no-advertise': 0xffff_ff02,
  'no-export-subconfed': 0xffff_ff03,
  'no-peer': 0xffff_ff04,
};

export type LargeCommunity = readonly [global: number, local1: number, local2: number];

export type ParsedCommunity =
  | { readonly kind: 'standard'; readonly value: number }
  | { readonly kind: 'large'; readonly value: LargeCommunity };

/** Reads `64512:100`, `no-export`, `64512:1:2` or `large:64512:1:2`; a text says what is wrong. */
export function parseCommunity(text: string): ParsedCommunity | string {
  if (Object.hasOwn(WELL_KNOWN, text)) return { kind: 'standard', value: WELL_KNOWN[text] as number };
  const parts = text.replace(/^large:/, '').split(':');
  const numbers = parts.map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  const within = (most: number): boolean => numbers.every((number) => number <= most);
  const [a = 0, b = 0, c = 0] = numbers;
  if (numbers.length === 2 && !text.startsWith('large:') && within(MAX_16)) {
    return { kind: 'standard', value: a * 0x1_0000 + b };
  }
  if (numbers.length === 3 && within(MAX_32)) return { kind: 'large', value: [a, b, c] };
  return `"${text}" is no community: write two numbers up to ${MAX_16} (64512:100), three up to ${MAX_32} (64512:1:2), or one of ${Object.keys(WELL_KNOWN).join(', ')}`;
}
