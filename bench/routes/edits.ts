// Live edits of a route in use: as many as are asked for, one after the other, under load, none of which may fail a request.
// Knows the API and HTTP.

import type { LoadReport } from '#app/load/report.ts';
import { openLoop } from '../lib/load/open-loop.ts';
import { Asker } from './asker.ts';
import type { Setting } from './setting.ts';
import { namespaceOf, plainRoute, ROUTES, rulesOf, USED_HOST } from './world.ts';

/** Longest load, in seconds; it is ended with the edits. */
const LIMIT_S = 3600;

export interface Edits {
  readonly edits: number;
  readonly seconds: number;
  readonly load: LoadReport;
  /** Milliseconds from sending the last edit to the first answer that shows it. */
  readonly lastShownMs: number;
}

export async function measureEdits(setting: Setting, edits: number, rate: number): Promise<Edits> {
  const { client, url, namespaces } = setting;
  const namespace = namespaceOf(0, namespaces);
  await client.create(ROUTES, plainRoute({ name: 'used', namespace, host: USED_HOST, edit: 0 }));
  const asker = new Asker(url);
  const stop = new AbortController();
  try {
    await asker.until(USED_HOST, ({ status }) => status === 200);
    const load = openLoop(
      { url, host: USED_HOST, rate, seconds: LIMIT_S, timeoutMs: 5000, connections: 64 },
      stop.signal,
    );
    const begun = performance.now();
    let sent = begun;
    for (let edit = 1; edit <= edits; edit++) {
      sent = performance.now();
      await client.patch(ROUTES, 'used', namespace, 'merge', { spec: { rules: rulesOf({ edit }) } });
    }
    const seconds = (performance.now() - begun) / 1000;
    const shown = await asker.until(USED_HOST, ({ head }) => editIn(head) === edits);
    stop.abort();
    return { edits, seconds, load: await load, lastShownMs: shown - sent };
  } finally {
    stop.abort();
    asker.close();
    await client.delete(ROUTES, 'used', namespace);
  }
}

/** Which edit an answer shows; NaN when it shows none. */
export function editIn(head: string): number {
  return Number(/^x-edit: *(\d+)/im.exec(head)?.[1] ?? Number.NaN);
}
