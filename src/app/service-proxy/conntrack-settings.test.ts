// Settings of connection tracking: what flags ask for, and files that are set and put back. The files are of this test.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ConntrackSettings, conntrackWishes, holdConntrack } from './conntrack-settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-conntrack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const has = (name: string): string => readFileSync(join(folder, `nf_conntrack_${name}`), 'utf8');
const put = (name: string, value: number): void => writeFileSync(join(folder, `nf_conntrack_${name}`), `${value}\n`);

it.each<[ConntrackSettings, number | undefined]>([
  [{}, undefined],
  [{ maxPerCore: 32_768 }, 131_072],
  [{ maxPerCore: 65_536 }, 262_144],
  [{ min: 1_000_000 }, 1_000_000],
  [{ maxPerCore: 100, min: 1_000 }, 1_000],
  [{ maxPerCore: 0, min: 1_000 }, undefined],
])('asks on four cores, of %o, for %o connections', (settings, most) => {
  const found = conntrackWishes(settings, 4);
  expect(found.find(({ name }) => name === 'nf_conntrack_max')?.value).toBe(most);
  const buckets = most === undefined ? undefined : most / 4;
  expect(found.find(({ name }) => name === 'nf_conntrack_buckets')?.value).toBe(buckets);
});

it('leaves a time of 0 alone, as upstream', () => {
  expect(conntrackWishes({ udpMs: 0, tcpEstablishedMs: 0, tcpBeLiberal: false }, 1)).toEqual([]);
});

it('sets times as asked, raises the most, and puts all back', () => {
  put('max', 65_536);
  put('buckets', 262_144);
  put('tcp_timeout_close_wait', 60);
  put('udp_timeout', 30);
  const restore = holdConntrack(
    conntrackWishes({ maxPerCore: 100_000, tcpCloseWaitMs: 3_600_000, udpMs: 10_000 }, 2),
    folder,
  );
  expect(['max', 'tcp_timeout_close_wait', 'udp_timeout'].map(has)).toEqual(['200000', '3600', '10']);
  // There are more already.
  expect(has('buckets')).toBe('262144\n');
  restore();
  expect(['max', 'tcp_timeout_close_wait', 'udp_timeout'].map(has)).toEqual(['65536', '60', '30']);
});

it('leaves alone what somebody else has set meanwhile', () => {
  put('udp_timeout', 30);
  const restore = holdConntrack(conntrackWishes({ udpMs: 10_000 }, 2), folder);
  put('udp_timeout', 90);
  restore();
  expect(has('udp_timeout')).toBe('90\n');
});

it('names the flag of what is refused, and undoes what went before', () => {
  put('tcp_timeout_established', 432_000);
  const wishes = conntrackWishes({ tcpEstablishedMs: 86_400_000, udpStreamMs: 1_000 }, 2);
  expect(() => holdConntrack(wishes, folder)).toThrow(
    `--conntrack-udp-timeout-stream: ${folder}/nf_conntrack_udp_timeout_stream cannot be set to 1: there is no such setting here`,
  );
  expect(has('tcp_timeout_established')).toBe('432000');
});
