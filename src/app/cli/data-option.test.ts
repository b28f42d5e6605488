// --data in every command that takes it: what cannot be one is refused at once, by flag, path and remedy.
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const place = tempDir('data-option');
const file = join(place.path, 'file');
const kubeconfig = join(place.path, 'kubeconfig');
writeFileSync(file, '');
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    users: [{ name: 'c', user: {} }],
    'current-context': 'c',
  }),
);
afterAll(() => place.remove());

const kubelet = ['kubelet', '--node-name', 'n1', '--kubeconfig', kubeconfig, '--port', '0', '--network', 'loopback'];

function run(args: readonly string[], data: string): { code: number | null; stderr: string } {
  const options = { encoding: 'utf8', timeout: 20_000, cwd: place.path } as const;
  const { status, stderr } = spawnSync(process.execPath, [main, ...args, '--data', data], options);
  return { code: status, stderr };
}

test.each([
  [['up'], '/proc/x'],
  [['apiserver', '--api-port', '0'], '/proc/x'],
  [[...kubelet, '--pod-cidr', '127.0.9.0/24'], '/proc/x'],
  // There already, and nothing can be written to it.
  [[...kubelet, '--pod-cidr', '127.0.9.0/24'], '/proc'],
])('%j ends at once where no directory can be made: %s', (args, data) => {
  const { code, stderr } = run(args, data);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^Error: .*\n.* with --data\.\n$/) });
  expect(stderr).toContain(`data directory "${data}"`);
});

test.each([['service-proxy'], ['speaker']])('%s says where it looked for a cluster', (command) => {
  const { code, stderr } = run([command], '/proc/x');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^Error: .*"\/proc\/x.*\n.*--data.*\n$/) });
});

test.each([[['get', 'pods']], [['down']]])('%j takes no file for a data directory', (args) => {
  const { code, stderr } = run(args, file);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `Error: Data directory "${file}" is a file\nName a directory, or one that is not there yet, with --data.\n`,
  });
});

test.each([[kubelet], [['down', '--wipe']]])('%j takes no empty name for the working directory', (args) => {
  const { code, stderr } = run(args, '');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'Error: --data is empty\nName a directory with --data, or leave it out.\n',
  });
  expect(readdirSync(place.path).toSorted()).toEqual(['file', 'kubeconfig']);
});
