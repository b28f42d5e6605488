// The network namespaces that processes of this machine are in.
// Knows /proc; nothing of whose they are.
import { readdirSync, readlinkSync } from 'node:fs';

/** A file for each, by which it can be entered (network-namespace.ts). A process that has just ended is left out. */
export function networkNamespacesInUse(): string[] {
  const found = new Map<string, string>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const file = `/proc/${pid}/ns/net`;
    try {
      const identity = readlinkSync(file);
      if (!found.has(identity)) found.set(identity, file);
    } catch {
      // It has ended, or is not ours to look at.
    }
  }
  return [...found.values()];
}
