// Clusters that are spoken to in another way than their Service says, each once and under a name that stays.
// Knows nothing of what a variant is for.
import { hash32 } from '#lib/hash.ts';
import type { ClusterVariant } from './backends.ts';

export class Variants {
  readonly all = new Map<string, ClusterVariant>();

  nameOf(variant: ClusterVariant): string {
    const { base, changes } = variant;
    if (Object.keys(changes).length === 0) return base;
    const name = `${base}/${hash32(JSON.stringify(changes)).toString(16)}`;
    this.all.set(name, variant);
    return name;
  }
}
