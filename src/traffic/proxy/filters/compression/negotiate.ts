// Which content coding a client gets, from its Accept-Encoding (RFC 9110, 12.5.3).
// Knows nothing of bodies.

import type { CompressionPolicy } from '#traffic/model/ir.ts';

export type Coding = CompressionPolicy['algorithms'][number];

/**
 * The coding that the client likes best, in our own order where it likes several alike; undefined when the body stays
 * as it is: nothing was offered, nothing we have is acceptable, or `identity` was rated above everything we have.
 */
export function negotiate(accepted: string | undefined, ours: readonly Coding[]): Coding | undefined {
  if (accepted === undefined || accepted === '') return undefined;
  const rated = new Map<string, number>();
  for (const element of accepted.toLowerCase().split(',')) {
    const [coding, ...parameters] = element.split(';');
    const name = (coding as string).trim();
    const quality = qualityOf(parameters);
    // What is malformed asks for nothing; of two ratings of one coding the first counts.
    if (name === '' || quality === undefined || rated.has(name)) continue;
    rated.set(name === 'x-gzip' ? 'gzip' : name, quality);
  }
  const any = rated.get('*');
  let best: Coding | undefined;
  let bestQuality = rated.get('identity') ?? 0;
  for (const coding of ours) {
    const quality = rated.get(coding) ?? any ?? 0;
    if (quality > bestQuality || (quality > 0 && best === undefined && quality === bestQuality)) {
      best = coding;
      bestQuality = quality;
    }
  }
  return best;
}

/** 0 to 1, with up to three decimals; undefined when it is anything else. */
function qualityOf(parameters: readonly string[]): number | undefined {
  for (const parameter of parameters) {
    const text = parameter.trim();
    if (!text.startsWith('q=')) continue;
    return /^q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text.slice(2)) : undefined;
  }
  return 1;
}
