// Labels and taints of a node, as kubelets take them on their command lines.
// Knows their form only.
import { InvalidArgumentError } from 'commander';
import type { Taint } from 'kubernetes-types/core/v1.js';
import { labelValueText, qualifiedName } from '#kube/api/validation/names.ts';

/** `key=value,...`; several options add up. */
export function parseLabels(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const pairs = text.split(',').map((pair) => {
    const [key = '', value, ...more] = pair.split('=');
    if (key === '' || value === undefined || more.length > 0) {
      throw new InvalidArgumentError(`"${pair}" is no label: write key=value.`);
    }
    checkPair(pair, key, value, 'label');
    return [key, value] as const;
  });
  return { ...before, ...Object.fromEntries(pairs) };
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** `key=value:effect` or `key:effect`, with commas between; several options add up. */
export function parseTaints(text: string, before: readonly Taint[] = []): readonly Taint[] {
  const taints = text.split(',').map((one): Taint => {
    const [, key, value, effect = ''] = /^([^=:]+)(?:=([^=:]*))?:(\w+)$/.exec(one) ?? [];
    if (key === undefined || !EFFECTS.includes(effect)) {
      throw new InvalidArgumentError(`"${one}" is no taint: write key=value:effect, the effect ${EFFECTS.join(', ')}.`);
    }
    checkPair(one, key, value ?? '', 'taint');
    return { key, ...(value === undefined ? {} : { value }), effect };
  });
  return [...before, ...taints];
}

/** The API server would refuse the Node for it. */
function checkPair(text: string, key: string, value: string, what: 'label' | 'taint'): void {
  const [mistake] = [...qualifiedName(key), ...labelValueText(value)];
  if (mistake !== undefined) throw new InvalidArgumentError(`"${text}" is no ${what}: ${mistake}.`);
}
