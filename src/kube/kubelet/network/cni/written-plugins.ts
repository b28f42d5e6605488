// Whose plugins a node has, on disk: whoever comes after a crash finds there who has to be asked.
// Knows one file beside the attachments; calls no plugin.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface WrittenPlugins {
  readonly owner: string;
  readonly podCidrs: readonly string[];
  readonly cni: { readonly confDir: string; readonly binDirs: readonly string[] };
}

const fileIn = (stateDir: string): string => join(stateDir, 'plugins.json');

/** The directory must be there. */
export function writePlugins(stateDir: string, { owner, podCidrs, cni }: WrittenPlugins): void {
  writeFileSync(fileIn(stateDir), JSON.stringify({ owner, podCidrs, cni }), { mode: 0o600 });
}

/** Undefined where only built-in plugins ever ran, which keep nothing outside of their node. */
export function readPlugins(stateDir: string): WrittenPlugins | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(stateDir), 'utf8')) as WrittenPlugins;
  } catch {
    // Also when cut short by a crash: it was written before the first pod.
    return undefined;
  }
}
