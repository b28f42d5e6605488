// The shop with storefronts that carry so much and no more, and an autoscaler that goes by requests a second and by backlog.
// Knows the shop's manifests and knobs; nothing of how it is loaded.

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';

/** Requests that a storefront works on at a time, and how long each takes: it carries 25 a second. */
const SLOTS = 2;
const WORK_MS = 80;
/** What the autoscaler lets a pod carry, of what it can. */
const TARGET = 0.7;
/** Requests that may be there for each slot: more of them are a backlog, which takes pods beyond what comes. */
const QUEUE = 4;

export const CAPACITY = (SLOTS * 1000) / WORK_MS;

interface Manifest {
  readonly kind?: string;
  spec?: {
    maxReplicas?: number;
    metrics?: unknown;
    template?: { spec?: { containers?: { env?: unknown[] }[] } };
  };
}

/** A directory for `evenkeel up`; whoever asks for it removes it. `times`: the peak, in what one pod can carry. */
export function boundedShop(shop: string, times: number): string {
  // What the peak needs, and two to work off what waited for them.
  const most = Math.ceil(times / TARGET) + 2;
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-shop-'));
  cpSync(shop, directory, { recursive: true });
  const path = join(directory, 'k8s', 'storefront.yaml');
  const all = parseAllDocuments(readFileSync(path, 'utf8')).map((document) => bound(document.toJS() as Manifest, most));
  writeFileSync(path, all.map((one) => stringify(one)).join('---\n'));
  return directory;
}

function bound(manifest: Manifest, most: number): Manifest {
  const [container] = manifest.kind === 'Deployment' ? (manifest.spec?.template?.spec?.containers ?? []) : [];
  const knobs = { SHOP_KNOBS: '1', SHOP_WORK_MS: String(WORK_MS), SHOP_WORK_SLOTS: String(SLOTS) };
  container?.env?.push(...Object.entries(knobs).map(([name, value]) => ({ name, value })));
  if (manifest.kind === 'HorizontalPodAutoscaler' && manifest.spec !== undefined) {
    manifest.spec.maxReplicas = most;
    manifest.spec.metrics = [
      ofService('http_requests_per_second', CAPACITY * TARGET),
      ofService('http_requests_in_flight', SLOTS * QUEUE),
    ];
  }
  return manifest;
}

function ofService(name: string, averageValue: number): object {
  const describedObject = { apiVersion: 'v1', kind: 'Service', name: 'storefront' };
  const target = { type: 'AverageValue', averageValue: String(averageValue) };
  return { type: 'Object', object: { describedObject, metric: { name }, target } };
}
