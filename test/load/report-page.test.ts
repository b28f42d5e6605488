// The page that `load --report` writes, in a real browser: what a person sees of a spike, and of a run that failed.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, openPage } from '../support/browser.ts';
import { evenkeelBinary, run } from '../support/run.ts';
import { tempDir } from '../support/temp-dir.ts';

const place = tempDir('report-page');
let server: Server;
let url = '';

beforeAll(async () => {
  let served = 0;
  server = createServer((request, response) => {
    served++;
    response.setHeader('X-Evenkeel-Endpoint', `shop/web-${served % 3}`);
    if (request.url?.startsWith('/bad') === true && served % 2 === 0) response.writeHead(503);
    response.end('<b>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  place.remove();
});

/** Runs `load` without any cluster to look at; the page it wrote. */
async function load(
  name: string,
  path: string,
  args: readonly string[],
): Promise<{ code: number | null; file: string }> {
  const file = join(place.path, name);
  const { KUBECONFIG: _, ...env } = process.env;
  const { code } = await run(evenkeelBinary, ['load', `${url}${path}`, '--report', file, ...args], {
    env: { ...env, HOME: place.path },
  });
  return { code, file };
}

describe.skipIf(!hasBrowser('the report page of a load run'))('the report page', () => {
  test('of a spike says that nobody failed, and draws the spike', async () => {
    const { code, file } = await load('spike.html', '/', ['--profile', 'spike', '--rate', '10', '--duration', '5s']);
    expect(code).toBe(0);
    const { page, complaints, close } = await openPage();
    try {
      await page.goto(pathToFileURL(file).href);
      expect(await page.locator('.verdict').textContent()).toMatch(/^None of \d+ requests failed\.$/);
      expect(await page.locator('section h2').allTextContents()).toEqual([
        expect.stringMatching(/^Requests/),
        expect.stringMatching(/^Latency/),
        expect.stringMatching(/^Who answered/),
      ]);
      expect(await page.locator('.u-wrap canvas').count()).toBe(3);
      // Under the pointer, in the middle of the plateau, the legend reads the peak; in the other plots the same second.
      const over = page.locator('#rate .u-over');
      const box = (await over.boundingBox()) ?? { width: 0, height: 0 };
      await over.hover({ position: { x: box.width * 0.45, y: box.height / 2 } });
      await expect.poll(() => page.locator('#rate .u-legend').textContent()).toContain('100/s');
      expect(await page.locator('#pods .u-legend').textContent()).toContain('33');
      // The canvas is not empty: the line of requests has been painted.
      const painted = await page.locator('#rate canvas').evaluate((canvas) => {
        const { width, height } = canvas as unknown as { width: number; height: number };
        const context = (
          canvas as unknown as { getContext(kind: string): { getImageData(...at: number[]): { data: Uint8Array } } }
        ).getContext('2d');
        return context.getImageData(0, 0, width, height).data.filter((value) => value > 0).length;
      });
      expect(painted).toBeGreaterThan(1000);
      expect(await page.locator('.note').textContent()).toContain('give --kubeconfig or --data');
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test('of a run that failed says so first, and lists what failed where', async () => {
    const { code, file } = await load('bad.html', '/bad?<i>', ['--rate', '20', '--duration', '2s']);
    expect(code).toBe(1);
    const { page, complaints, close } = await openPage();
    try {
      await page.goto(pathToFileURL(file).href);
      expect(await page.locator('.verdict.bad').textContent()).toMatch(
        /^20 of 40 requests failed \(50 %\): 20 × HTTP 503\.$/,
      );
      expect(await page.locator('h2:text("First failures") + table').textContent()).toContain('HTTP 503');
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test('asks for nothing from anywhere', async () => {
    const { file } = await load('alone.html', '/', ['--rate', '5', '--duration', '1s']);
    expect(readFileSync(file, 'utf8')).not.toMatch(/(src|href)="(?!data:,)/);
  });
});

test('a report that cannot be written is refused before the load begins', async () => {
  const { code, stderr } = await run(evenkeelBinary, [
    'load',
    url,
    '--report',
    '/nowhere/out.html',
    '--duration',
    '1m',
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('Give --report a file that can be written')]);
});
