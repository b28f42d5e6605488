// Which endpoint stands in which slot of a set, so that one endpoint more or less moves as few others as can be.
// Knows nothing of fronts and maps.
import type { PortRules, RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';
import { slotsOf } from '#traffic/snapshot/rules/slots.ts';

export interface SlotTable {
  readonly by: 'number' | 'source';
  /** By slot. */
  readonly owners: readonly RuleEndpoint[];
}

const NOBODY: SlotTable = { by: 'number', owners: [] };

export function endpointText({ address, port }: RuleEndpoint): string {
  return `${address} . ${port}`;
}

/** `before` is the table that is in force; where the order means nothing, endpoints keep their slots. */
export function slotTable(
  set: readonly RuleEndpoint[],
  pick: PortRules['pick'],
  before: SlotTable | undefined,
): SlotTable {
  if (set.length === 0 && pick === 'random') return NOBODY;
  const { by, owners, interchangeable } = slotsOf(set, pick);
  // Most are as they come: no list of their own for those.
  if (interchangeable && before === undefined) return { by, owners: set };
  if (!interchangeable || before?.by !== by) {
    return { by, owners: Array.from(owners, (place) => set[place]).filter((owner) => owner !== undefined) };
  }
  const homeless = new Map(set.map((endpoint) => [endpointText(endpoint), endpoint]));
  const kept = before.owners.slice(0, set.length).map((owner) => {
    const text = endpointText(owner);
    const again = homeless.get(text);
    homeless.delete(text);
    return again;
  });
  while (kept.length < set.length) kept.push(undefined);
  const waiting = homeless.values();
  return { by, owners: kept.map((owner) => owner ?? waiting.next().value).filter((owner) => owner !== undefined) };
}
