// Which nodes have fallen silent for the node whose rules are asked for: it says so itself, in events on their Nodes.
// Pure: events in, names out; knows nothing of heartbeats.
import type { Event } from 'kubernetes-types/core/v1.js';
import { NODE_HEARD, NODE_SILENT } from '../speaker/tellings.ts';

/** By the last that `node` has said of each of the others. */
export function silentFor(node: string, events: readonly Event[]): ReadonlySet<string> {
  const last = new Map<string, Event>();
  for (const event of events) {
    const { involvedObject, source, reason } = event;
    const { kind, name } = involvedObject;
    if (kind !== 'Node' || name === undefined || source?.host !== node) continue;
    if (reason !== NODE_SILENT && reason !== NODE_HEARD) continue;
    const before = last.get(name);
    if (before === undefined || isLater(event, before)) last.set(name, event);
  }
  return new Set([...last].filter(([, { reason }]) => reason === NODE_SILENT).map(([name]) => name));
}

/** Within a second, the order in which they were stored decides. */
function isLater(one: Event, other: Event): boolean {
  const [a = '', b = ''] = [one.lastTimestamp, other.lastTimestamp];
  if (a !== b) return a > b;
  return Number(one.metadata.resourceVersion ?? 0) > Number(other.metadata.resourceVersion ?? 0);
}
