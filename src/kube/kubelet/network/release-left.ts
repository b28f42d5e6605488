// What plugins of others keep for the pods of a kubelet that is no more: given back, by the very plugins that it had.
// Knows what that kubelet wrote down; neither why it ended nor who removes the rest.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { type LogFields, silentLogger } from '#lib/log.ts';
import { AttachmentStore } from './cni/attachments.ts';
import { readPlugins, type WrittenPlugins } from './cni/written-plugins.ts';
import { createCommands } from './commands.ts';
import { createNetnsNetwork } from './create-network.ts';

export interface ReleaseOptions {
  readonly stateDir: string;
  /** File of the node's network namespace; an empty one stands in for it when it is gone. */
  readonly nodeNetns: (owner: string) => string;
  readonly clock: Clock;
}

export interface Released {
  /** Pods whose end plugins were told of. */
  readonly released: number;
  /** Those that they could not be told of. */
  readonly kept: number;
  /** Why not, each a sentence. */
  readonly why: readonly string[];
}

/** DEL for every pod that was attached, then GC with nobody left. Nothing of that kubelet may run any more. Never rejects. */
export async function releaseLeft({ stateDir, nodeNetns, clock }: ReleaseOptions): Promise<Released> {
  const written = readPlugins(stateDir);
  if (written === undefined) return { released: 0, kept: 0, why: [] };
  const attachments = new AttachmentStore(join(stateDir, 'attachments'));
  const before = attachments.all().length;
  if (before === 0) return { released: 0, kept: 0, why: [] };
  const why: string[] = [];
  const log = { ...silentLogger, warn: (fields: LogFields) => why.push(...textOf(fields.error)) };
  try {
    await inNode(written, nodeNetns(written.owner), clock, async (netns) => {
      await createNetnsNetwork({ ...written, stateDir, nodeNetns: netns, clock, log }).sweep(new Set());
    });
  } catch (error) {
    why.push((error as Error).message);
  }
  const kept = attachments.all().length;
  return { released: before - kept, kept, why };
}

/** What plugins take away by its name, links and rules, must never be the machine's. */
async function inNode(
  { owner }: WrittenPlugins,
  nodeNetns: string,
  clock: Clock,
  work: (netns: string) => Promise<void>,
): Promise<void> {
  if (existsSync(nodeNetns)) return await work(nodeNetns);
  const commands = createCommands(clock, owner);
  const standIn = `${owner}-left`;
  await commands.must(['ip', 'netns', 'add', standIn]);
  try {
    await work(`/run/netns/${standIn}`);
  } finally {
    await commands.must(['ip', 'netns', 'delete', standIn]);
  }
}

function textOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : [];
}
