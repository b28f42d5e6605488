// What many routes take of memory: the heaps of the gateway's workers and of the thread that holds everything else.
// Knows the API, and the debugger of the process.

import { readFileSync } from 'node:fs';
import { pssKiB } from '../lib/processes.ts';
import { type Heaps, heapsOf } from './heaps.ts';
import { bringRoutes, type Setting } from './setting.ts';

/** So many are there before: the first bring code and tables that all share. */
const FIRST = 20;
/** Until what was begun with the last route has ended: statuses are written, and come back as events. */
const SETTLE_MS = 3000;
const MB = 1024 * 1024;

/** Growth in megabytes. */
export interface Growth {
  /** Of all workers of the gateway, what is in use. */
  readonly dataPlane: number;
  readonly workers: number;
  /** Of API server, store, controllers, node and the gateway's own main thread together, what is in use. */
  readonly controlPlane: number;
  /** Of the process, all that it holds of the machine. */
  readonly process: number;
}

export async function measureMemory(setting: Setting, routes: number): Promise<Growth> {
  const { inspector, pid } = setting;
  await bringRoutes(setting, { from: 0, to: FIRST, attached: FIRST });
  const before = await look(inspector, pid);
  await bringRoutes(setting, { from: FIRST, to: FIRST + routes, attached: FIRST + routes });
  return growthOf(before, await look(inspector, pid));
}

interface Look {
  readonly heaps: Heaps;
  /** Bytes. */
  readonly resident: number;
}

async function look(inspector: string, pid: number): Promise<Look> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const heaps = await heapsOf(inspector);
  return { heaps, resident: pssKiB(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) * 1024 };
}

export function growthOf(before: Look, after: Look): Growth {
  const workers = [...after.heaps.keys()].filter(isWorker);
  const grown = (name: string): number => ((after.heaps.get(name) ?? 0) - (before.heaps.get(name) ?? 0)) / MB;
  const others = [...after.heaps.keys()].filter((name) => !isWorker(name));
  const sum = (names: readonly string[]): number => names.reduce((total, name) => total + grown(name), 0);
  return {
    dataPlane: sum(workers),
    workers: workers.length,
    controlPlane: sum(others),
    process: (after.resident - before.resident) / MB,
  };
}

/** As the engine names its threads. */
function isWorker(name: string): boolean {
  return name.includes('proxy-');
}
