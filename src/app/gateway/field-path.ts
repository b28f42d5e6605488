// The path of a field as people read it and as positions are found by: `clusters.shop.endpoints[0].port`.
// Knows no field.

/** Names with dots, brackets or slashes stand in `["quotes"]`. */
export function fieldPath(steps: ReadonlyArray<string | number>): string {
  return steps
    .map((step, place) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\w-]+$/.test(step)) return `["${step}"]`;
      return place === 0 ? step : `.${step}`;
    })
    .join('');
}
