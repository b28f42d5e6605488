// Flags of nodes from the outside: what cannot be is refused at once, by flag and remedy, before anything is started.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { acquireLock } from '../main/instance-lock.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const place = tempDir('node-flags');
const kubeconfig = join(place.path, 'kubeconfig');
const empty = tempDir('node-flags-empty');
const taken = createServer();

beforeAll(async () => {
  const { certPem } = await createAuthority({ commonName: 'any' });
  const cluster = {
    // Nobody is there: whoever asks it first waits for it.
    server: 'https://127.0.0.1:1',
    'certificate-authority-data': Buffer.from(certPem).toString('base64'),
  };
  const config = {
    clusters: [{ name: 'c', cluster }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user: {} }],
    'current-context': 'c',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  taken.close();
  place.remove();
  empty.remove();
});

function run(args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options);
  return { code: status, stdout, stderr };
}

const data = join(place.path, 'data');
const kubelet = ['kubelet', '--node-name', 'n1', '--kubeconfig', kubeconfig, '--data', data];
const loopback = [...kubelet, '--network', 'loopback', '--pod-cidr', '127.0.9.0/24'];
const up = ['up', '--data', data];
const cni = ['--network', 'cni', '--cni-bin', empty.path];

test.each([
  [[...loopback, '--port', '0', '--cluster-dns', 'foo'], '--cluster-dns', 'write e.g. 192.0.2.10'],
  [[...loopback, '--port', '0', '--cluster-dns', '10.96.0.10,x'], '--cluster-dns', 'write e.g. 192.0.2.10'],
  [[...loopback, '--port', '0', '--node-ip', 'foo'], '--node-ip', 'write e.g. 192.0.2.10'],
  [[...loopback, '--port', '0', '--node-ip', '0.0.0.0'], '--node-ip 0.0.0.0', 'Give --node-ip an address of this'],
  [[...loopback, '--port', '0', '--node-ip', '127.0.0.1,127.0.0.2'], '--node-ip', 'Give --node-ip one of IPv4'],
  [[...kubelet, '--pod-cidr', '10.3.0.0/24,10.4.0.0/24'], '--pod-cidr', 'Give --pod-cidr one of IPv4'],
  [[...kubelet, '--pod-cidr', '10.3.0.0'], '--pod-cidr "10.3.0.0"', 'Give --pod-cidr e.g. 10.244.1.0/24'],
  [
    [...kubelet, '--network-owner', 'a/b'],
    '--network-owner "a/b"',
    'lower-case letters, digits and dashes with --network',
  ],
  [[...kubelet, ...cni, '--cni-conf', '/nope'], '--cni-conf "/nope" is not there', 'Name with --cni-conf'],
  [[...kubelet, ...cni, '--cni-conf', kubeconfig], 'is no directory', 'Name with --cni-conf'],
  [
    [...kubelet, '--cni-conf', empty.path, '--cni-bin', '/nope'],
    '--cni-bin "/nope" is not there',
    'Name with --cni-bin',
  ],
  [[...up, '--cni-conf', '/nope', '--cni-bin', empty.path], '--cni-conf "/nope" is not there', 'Name with --cni-conf'],
  [
    [...up, '--cni-conf', empty.path, '--cni-bin', empty.path],
    'no network config found',
    'Put a CNI network configuration',
  ],
  [[...kubelet, '--node-labels', 'a=b c'], '"a=b c" is no label', 'must start and end with an alphanumeric character'],
  [
    [...kubelet, '--register-with-taints', 'a b:NoExecute'],
    '"a b:NoExecute" is no taint',
    'must start and end with an',
  ],
  [[...up, '--zones', 'a b'], 'Zone "a b" of --zones', 'Give --zones names'],
  [
    [...up, '--node-monitor-grace-period', '1s', '--node-monitor-period', '5s'],
    '--node-monitor-grace-period 1s is shorter than --node-monitor-period 5s',
    'Give --node-monitor-grace-period 5s or more',
  ],
  [
    [...up, '--node-monitor-grace-period', '900ms'],
    '--node-monitor-grace-period 0.9s',
    'Give --node-monitor-grace-period 1s',
  ],
  [
    ['apiserver', '--data', data, '--node-monitor-period', '60s'],
    '--node-monitor-grace-period 50s',
    'shorter --node-mon',
  ],
])('%j is wrong usage, and said before anything is made', (args, what, remedy) => {
  const { code, stdout, stderr } = run(args);
  expect(stderr).toContain(what);
  expect(stderr).toContain(remedy);
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(existsSync(data)).toBe(false);
});

test('a kubelet whose port is taken, or whose address is not here, does not wait for the API server first', () => {
  const { port } = taken.address() as { port: number };
  expect(run([...loopback, '--port', String(port)])).toMatchObject({
    code: 1,
    stderr: `Error: Port ${port} on 127.0.0.1 is taken\nFree it, or choose another one with --port.\n`,
  });
  expect(run([...loopback, '--port', '0', '--node-ip', '192.0.2.77'])).toMatchObject({
    code: 1,
    stderr: 'Error: This machine has no address 192.0.2.77\nChoose one that it has with --node-ip.\n',
  });
});

test('a directory that another kubelet uses is named with what ends that one', () => {
  const lock = acquireLock(join(data, 'kubelet.json'), data);
  try {
    expect(run([...loopback, '--port', '0'])).toMatchObject({
      code: 1,
      stderr: `Error: Data directory "${data}" is in use by process ${process.pid}\nEnd that kubelet with "kill ${process.pid}", or choose another directory with --data.\n`,
    });
  } finally {
    lock.release();
  }
});
