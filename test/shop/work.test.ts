// The lever of the shop that bounds what a pod can carry: so many at a time, in order, and nobody who has left.
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { type Running, repository, start } from '#test/support/run.ts';
import { freePort } from '#test/support/tools.ts';

const WORK_MS = 400;

let pod: Running;
let url: string;

beforeEach(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const knobs = { SHOP_KNOBS: '1', SHOP_WORK_MS: String(WORK_MS), SHOP_WORK_SLOTS: '2' };
  pod = start(process.execPath, [`${repository}/examples/shop/src/main.ts`, 'catalog'], {
    env: { ...knobs, PORT: String(port), POD_IP: '127.0.0.1' },
  });
  await eventually('the pod is ready', async () => expect((await ask(`${url}/readyz`)).status).toBe(200));
}, 30_000);
afterEach(async () => {
  pod.child.kill('SIGKILL');
  await pod.finished;
});

const buy = async (): Promise<number> => (await ask(`${url}/api/catalog/products`)).status;

test('two at a time: five take three turns', async () => {
  const begun = performance.now();
  expect(await Promise.all([buy(), buy(), buy(), buy(), buy()])).toEqual([200, 200, 200, 200, 200]);
  expect(performance.now() - begun).toBeGreaterThan(3 * WORK_MS - 50);
});

test('nobody works for clients who have left', async () => {
  const leaving = Array.from({ length: 200 }, () => request(`${url}/api/catalog/products`, { agent: false }));
  const connected = leaving.map((one) => new Promise((resolve) => one.once('finish', resolve)));
  for (const one of leaving) one.on('error', () => {}).end();
  await Promise.all(connected);
  for (const one of leaving) one.destroy();
  // Their work would take 40 seconds.
  expect(await buy()).toBe(200);
}, 20_000);
