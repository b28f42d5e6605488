// The command line from the outside: help, exit codes, and what wrong usage is told.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { formatTable } from './table.ts';
import { parseCount, parseDuration, parsePort, parseSize } from './values.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

test('without a command, and with help, it says what there is', () => {
  for (const args of [[], ['--help'], ['help']]) {
    const { code, stdout } = run(...args);
    expect(code).toBe(0);
    expect(stdout).toContain('evenkeel up examples/shop');
  }
});

test('its version is told by the flag that people try, too', () => {
  const { code, stdout } = run('--version');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

test.each(['up', 'down', 'apply', 'get', 'load', 'explain', 'gateway', 'apiserver', 'crds', 'version'])(
  '%s has help with examples',
  (command) => {
    const { code, stdout } = run(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: evenkeel ${command}`);
    expect(stdout).toMatch(/Examples:\n {2}\$ /);
  },
);

test.each([
  [['lod'], "unknown command 'lod'\n(Did you mean load?)"],
  [['up', 'x', '--api-port', '99999'], "option '--api-port <port>' argument '99999' is invalid"],
  [
    ['up', 'x', '--network', 'loopback', '--pod-cidr', '10.0.0.0/24'],
    '--pod-cidr "10.0.0.0/24" is no range within 127.0.0.0/8',
  ],
  [['apiserver', '--service-cidr', '10.96.0.0'], '--service-cidr "10.96.0.0" is no range of addresses'],
  [['apiserver', '--service-cidr', '10.96.0.1/16'], '--service-cidr "10.96.0.1/16" has bits set beyond its prefix'],
  [['apiserver', '--service-cidr', '10.96.0.0/29'], '--service-cidr 10.96.0.0/29 is too small: it holds 8 addresses'],
  [['apiserver', '--service-cidr', 'fd00::/48'], '--service-cidr fd00::/48 is too wide'],
  [['apiserver', '--service-cidr', '10.96.0.0/16,10.97.0.0/16'], 'has more than one range of a family'],
  [
    ['apiserver', '--controllers', '--cluster-cidr', '10.96.0.0/12', '--service-cidr', '10.96.0.0/16'],
    '--service-cidr 10.96.0.0/16 and --cluster-cidr 10.96.0.0/12 overlap',
  ],
  [['up', '--service-cidr', '127.0.0.0/8'], '--service-cidr "127.0.0.0/8" meets 127.0.0.0/24'],
  [['up', '--pod-cidr', '127.96.7.0/24'], '--pod-cidr 127.96.7.0/24 and --service-cidr 127.96.0.0/16 overlap'],
  [['up', '--lb-pool', '127.96.7.0/24'], '--lb-pool 127.96.7.0/24 and --service-cidr 127.96.0.0/16 overlap'],
  [['up', '--lb-pool', '127.97.0.0/31'], '--lb-pool "127.97.0.0/31" is not one range of each family, with 4 addresses'],
  [['up', '--workers', '1.5'], 'It is no whole number above 0'],
  [['load', 'shop'], '"shop" is no http or https URL'],
  [['load', 'http://127.0.0.1:1/', '--rate', '1e9'], 'It is no number above 0 and up to 20000'],
  [['load', 'http://127.0.0.1:1/', '--ca', '/nowhere'], 'Cannot read "/nowhere": ENOENT'],
  [['load', 'http://127.0.0.1:1/', '--header', 'X: a\nb'], 'is no header'],
  [['apply', '/nowhere'], 'No such file or directory: "/nowhere"'],
  [['apply'], 'No manifests are named'],
])('wrong usage ends with 2 and says what is wrong: %j', (args, message) => {
  const { code, stderr } = run(...args);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('durations, ports and counts are read as they are written', () => {
  expect(['20s', '1m30s', '500ms', '2h', '1.5s', '15'].map(parseDuration)).toEqual([
    20_000, 90_000, 500, 7_200_000, 1_500, 15_000,
  ]);
  for (const text of ['', 's', '10x', '-1s', '0s', '1s!', '5 s']) expect(() => parseDuration(text)).toThrow();
  expect(parsePort('0')).toBe(0);
  for (const text of ['-1', '65536', '1.5', 'http', '']) expect(() => parsePort(text)).toThrow();
  expect(['2GiB', '512MiB', '1.5k', '0', '100'].map(parseSize)).toEqual([2 ** 31, 2 ** 29, 1_536, 0, 100]);
  for (const text of ['', '-1', '2 apples', 'GiB']) expect(() => parseSize(text)).toThrow();
  expect(parseCount('3')).toBe(3);
  for (const text of ['0', '1.5', 'x', '']) expect(() => parseCount(text)).toThrow();
});

test('columns are as wide as their widest cell, and lines end with text', () => {
  expect(
    formatTable(
      ['A', 'LONG', 'B'],
      [
        ['xyz', '1', ''],
        ['x', 'wider', 'end'],
      ],
    ),
  ).toBe('A     LONG    B\nxyz   1\nx     wider   end\n');
});
