// Everything that a cluster of several nodes could leave behind on a machine, and the ranges of a test's own.
// Finds things by their names and marks, so that clusters of others beside it are never counted.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { ownNumber } from '#test/support/own-number.ts';

export interface Ranges {
  readonly arguments: readonly string[];
  /** As text of a route of any of them begins. */
  readonly beginnings: readonly string[];
}

/** One run beside another, or beside a user's cluster: every call gives ranges that nobody else has. */
export function ownRanges(): Ranges {
  const run = ownNumber();
  const hex = run.toString(16);
  return {
    arguments: [
      ...['--fabric-cidr', `10.201.${run}.0/24,fd00:201:${hex}::/64`],
      ...['--pod-cidr', `10.202.${run}.0/24,fd00:202:${hex}::/48`],
      ...['--service-cidr', `10.203.${run}.0/24,fd00:203:${hex}::/112`],
    ],
    beginnings: [201, 202, 203].flatMap((part) => [`10.${part}.${run}.`, `fd00:${part}:${hex}:`]),
  };
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

function lines(program: string, args: readonly string[]): string[] {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

/** By kind; every list is empty when nothing is left. `mark` is in the environment of every container. */
export function inventory(data: string, ranges: Ranges, mark: string): Record<string, string[]> {
  const owner = `ek-${digest(data, 6)}`;
  const routes = [
    ...lines('ip', ['route', 'show', 'table', 'all']),
    ...lines('ip', ['-6', 'route', 'show', 'table', 'all']),
  ];
  const groups = new Set([1, 2, 3].map((node) => `evenkeel-${digest(`${data}/nodes/node-${node}/data`, 8)}`));
  return {
    namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(owner)) : [],
    links: lines('ip', ['-o', 'link']).filter((line) => line.includes(owner)),
    routes: routes.filter((line) => ranges.beginnings.some((beginning) => line.includes(beginning))),
    tables: lines('nft', ['list', 'ruleset']).filter((line) =>
      ranges.beginnings.some((beginning) => line.includes(beginning)),
    ),
    groups: [
      ...controllers().flatMap((dir) => (existsSync(dir) ? readdirSync(dir) : []).filter((name) => groups.has(name))),
      ...claimsOf(data),
    ],
    processes: processesOf(data, mark),
  };
}

/** Files that say whose groups there are. */
function claimsOf(data: string): string[] {
  const dir = '/run/evenkeel/cgroups';
  const files = (existsSync(dir) ? readdirSync(dir) : []).map((name) => `${dir}/${name}`);
  return files.filter((file) => existsSync(file) && readFileSync(file, 'utf8').includes(data));
}

function controllers(): string[] {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return [];
  return [root, ...readdirSync(root).map((name) => `${root}/${name}`)].filter((dir) =>
    existsSync(`${dir}/cgroup.procs`),
  );
}

function processesOf(data: string, mark: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      return command.includes(data) || environment.includes(mark) ? [`${pid} ${command.slice(0, 80)}`] : [];
    } catch {
      // Gone by now, which is all that is asked.
      return [];
    }
  });
}
