// What changes in the maps of endpoints when a Service port does: only slots that have another endpoint are said.
// Pure; knows nothing of what else a port has in its table.
import type { RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';
import type { Element } from './batch.ts';
import { eachSlotList, type PlacedPort } from './elements.ts';
import type { SetName } from './layout.ts';
import { endpointText } from './slot-table.ts';

interface SlotList {
  readonly set: SetName;
  readonly key: string;
  readonly owners: readonly RuleEndpoint[];
}

function listsOf(port: PlacedPort | undefined): readonly SlotList[] {
  const found: SlotList[] = [];
  if (port !== undefined) eachSlotList(port, (set, key, owners) => found.push({ set, key, owners }));
  return found;
}

/** Appends what goes and what comes. A slot with another endpoint does both. */
export function slotChanges(
  before: PlacedPort | undefined,
  after: PlacedPort | undefined,
  removed: Element[],
  added: Element[],
): void {
  const old = listsOf(before);
  const now = listsOf(after);
  const isSame = (one: SlotList) => (other: SlotList) => one.set === other.set && one.key === other.key;
  for (const list of now) differ(list, old.find(isSame(list))?.owners ?? [], list.owners, removed, added);
  for (const list of old) if (!now.some(isSame(list))) differ(list, list.owners, [], removed, added);
}

function differ(
  { set, key }: SlotList,
  old: readonly RuleEndpoint[],
  now: readonly RuleEndpoint[],
  removed: Element[],
  added: Element[],
): void {
  const most = Math.max(old.length, now.length);
  for (let slot = 0; slot < most; slot++) {
    const [was, is] = [old[slot], now[slot]];
    if (was === is || (was?.port === is?.port && was?.address === is?.address)) continue;
    const own = `${key} . ${slot}`;
    if (was !== undefined) removed.push({ set, key: own, value: endpointText(was) });
    if (is !== undefined) added.push({ set, key: own, value: endpointText(is) });
  }
}
