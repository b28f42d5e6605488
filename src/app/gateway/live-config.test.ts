// A configuration in force: what a change publishes, and what changes nothing.
// Uses real files; the engine is a list of updates.
import { rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';
import type { TrafficUpdate } from '#traffic/model/ir.ts';
import { ConfigFile } from './config-file.ts';
import { LiveConfig } from './live-config.ts';

const dir = tempDir('live');
afterAll(() => dir.remove());
const path = join(dir.path, 'gateway.yaml');
const configOf = (endpoint: string, more = ''): string => `listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts: { all: { hostname: '*', routes: [{ action: app }] } }
clusters:
  app: { endpoints: ['${endpoint}'] }
${more}`;

let updates: TrafficUpdate[];
let live: LiveConfig;
beforeEach(async () => {
  updates = [];
  writeFileSync(path, configOf('10.0.0.1:80'));
  live = new LiveConfig(new ConfigFile(path), { publish: (update) => updates.push(update) });
  expect((await live.load()).type).toBe('applied');
});

it('begins with everything, and publishes only what changes', async () => {
  expect([...(updates[0]?.clusters?.keys() ?? [])]).toEqual(['app']);
  writeFileSync(path, configOf('10.0.0.2:80', '  more: { endpoints: [] }\n'));
  expect(await live.load()).toEqual({ type: 'applied', changes: { clusters: 1, endpoints: 2 } });
  const { version, clusters, endpoints, virtualHosts } = updates[1] ?? { version: 0 };
  expect(version).toBe(2);
  expect([...(clusters?.keys() ?? [])]).toEqual(['more']);
  expect(endpoints?.get('app')).toMatchObject([{ address: '10.0.0.2' }]);
  expect(virtualHosts).toBeUndefined();
});

it('does nothing when the files say what they said, unless it is told to', async () => {
  expect(await live.load()).toEqual({ type: 'same' });
  writeFileSync(path, `# A comment\n${configOf('10.0.0.1:80')}`);
  expect(await live.load()).toEqual({ type: 'applied', changes: {} });
  expect(await live.load(undefined, true)).toEqual({ type: 'applied', changes: {} });
  expect(updates).toHaveLength(1);
});

it('keeps what was in force while the file is wrong or gone, and goes on when it is right again', async () => {
  writeFileSync(path, configOf('nowhere'));
  expect((await live.load()).type).toBe('refused');
  expect(live.lastOk).toBe(false);
  expect((await live.load()).type).toBe('same');
  rmSync(path);
  const gone = await live.load();
  expect(gone).toMatchObject({ type: 'refused', problems: [{ message: expect.stringContaining('ENOENT') }] });
  writeFileSync(path, configOf('10.0.0.1:80'));
  expect(await live.load()).toEqual({ type: 'applied', changes: {} });
  expect(live.lastOk).toBe(true);
  expect(updates).toHaveLength(1);
});

it('tells once of a port that is taken, and takes it when it is free', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  try {
    writeFileSync(path, configOf('10.0.0.1:80').replace('port: 0', `port: ${port}`));
    const message = `Port ${port} on 127.0.0.1 is taken by another process`;
    expect(await live.load()).toMatchObject({ type: 'refused', problems: [{ message }] });
    // A log in the same directory changes with every line that is written to it.
    expect(await live.load()).toEqual({ type: 'same' });
    expect(live.lastOk).toBe(false);
    expect(await live.load(undefined, true)).toMatchObject({ type: 'refused', problems: [{ message }] });
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
  expect(await live.load()).toEqual({ type: 'applied', changes: { listeners: 1 } });
  expect(live.lastOk).toBe(true);
});

it('refuses other limits than those that it started with', async () => {
  writeFileSync(path, `${configOf('10.0.0.2:80')}limits: { head: 2KiB }\n`);
  expect(await live.load()).toMatchObject({ type: 'refused', problems: [{ field: 'limits', position: { line: 5 } }] });
  expect(live.lastOk).toBe(false);
  writeFileSync(path, configOf('10.0.0.1:80'));
  expect((await live.load()).type).toBe('applied');
});
