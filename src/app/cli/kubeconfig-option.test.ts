// A kubeconfig that cannot be used, from the outside: the file, the line or the field, and what helps.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const place = tempDir('kubeconfig-option');
const path = join(place.path, 'config');
afterAll(() => place.remove());

const entry = (cluster: string): string => `current-context: c
contexts: [{name: c, context: {cluster: ${cluster}, user: u}}]
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1", certificate-authority: ca.crt}}]
users: []
`;

test.each([
  ['clusters:\n- name: a\n   x: [1\n', 'is not valid YAML at line 2, column 9: Nested mappings are not allowed'],
  ['just words', 'is empty or not a mapping'],
  [entry('b'), ': clusters has no entry named "b"; there are a'],
  [entry('a'), ': clusters["a"].cluster.certificate-authority "ca.crt" cannot be read: it is not there (ENOENT)'],
  [undefined, 'cannot be read: it is a directory'],
])('%j', (content, fault) => {
  if (content === undefined) {
    place.remove();
    mkdirSync(path, { recursive: true });
  } else writeFileSync(path, content);
  for (const command of [['get', 'nodes'], ['service-proxy', '--mode', 'userspace'], ['controllers']]) {
    const { status, stderr } = spawnSync(process.execPath, [main, ...command, '--kubeconfig', path], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const [first = '', second = '', ...rest] = stderr.trim().split('\n');
    expect([status, rest]).toEqual([1, []]);
    expect(first).toContain(`Error: Kubeconfig "${path}"`);
    expect(first).toContain(fault);
    expect(second).toBe('Mend the file, or name another one with --kubeconfig, or one of its contexts with --context.');
  }
});
