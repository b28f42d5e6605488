// Which endpoint stands in which slot of a set, so that one endpoint more or less moves as few others as can be.
// Knows nothing of fronts and maps.
import type { PortRules, RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';
import { slotsOf } from '#traffic/snapshot/rules/slots.ts';

export interface SlotTable {
  readonly by: 'number' | 'source';
  /** `address . port` by slot. */
  readonly owners: readonly string[];
}

export function endpointText({ address, port }: RuleEndpoint): string {
  return `${address} . ${port}`;
}

/** `before` is the table that is in force; where the order means nothing, endpoints keep their slots. */
export function slotTable(
  set: readonly RuleEndpoint[],
  pick: PortRules['pick'],
  before: SlotTable | undefined,
): SlotTable {
  const { by, owners, interchangeable } = slotsOf(set, pick);
  const texts = set.map(endpointText);
  if (!interchangeable || before === undefined || before.by !== by) {
    return { by, owners: Array.from(owners, (place) => texts[place] ?? '') };
  }
  const homeless = new Set(texts);
  const kept = before.owners.slice(0, set.length).map((owner) => (homeless.delete(owner) ? owner : undefined));
  while (kept.length < set.length) kept.push(undefined);
  const waiting = homeless.values();
  return { by, owners: kept.map((owner) => owner ?? waiting.next().value ?? '') };
}
