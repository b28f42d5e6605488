// Lays a set of endpoints out as slots so that little changes from one layout to the next.
// Pure; knows no kernel.

/**
 * Slots of endpoints that each have one: those that stay keep their slot where they can, those that come take the slots
 * of those that go, and the last ones move into what is left open. The result has no gaps.
 */
export function stableOrder(before: readonly string[], wanted: readonly string[]): string[] {
  const keep = new Set(wanted);
  const here = new Set(before);
  const added = wanted.filter((one) => !here.has(one));
  const slots: (string | undefined)[] = before.map((one) => (keep.has(one) ? one : added.shift()));
  slots.push(...added);
  for (let end = slots.length - 1; end >= wanted.length; end--) {
    const last = slots.pop();
    if (last !== undefined) slots[slots.indexOf(undefined)] = last;
  }
  return slots as string[];
}
