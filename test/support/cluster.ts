// A real cluster for a test: the CLI's `up` on a data directory, ports and addresses of its own.
// Knows the CLI from the outside, as a person does.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { eventually } from './eventually.ts';
import { ownNumber } from './own-number.ts';
import { evenkeelBinary, type Finished, mustRun, type Running, start } from './run.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

export interface TestCluster {
  readonly data: string;
  readonly kubeconfig: string;
  readonly client: Client;
  /** `http://127.0.0.1:port` of the gateway. */
  readonly http: string;
  readonly https: string;
  readonly admin: string;
  readonly caFile: string;
  readonly running: Running;
  get<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T>;
  list<T extends KubeObject>(kind: string, namespace?: string, labelSelector?: string): Promise<T[]>;
  /** `evenkeel apply -` with this text. */
  apply(manifests: string): Promise<void>;
  /** Ctrl-C, and everything that the process said. */
  stop(): Promise<Finished>;
  /** Stops, and removes the data directory. */
  remove(): Promise<void>;
}

export interface ClusterOptions {
  readonly args?: readonly string[];
  readonly input?: string;
  /** A data directory from before; a new one otherwise. */
  readonly data?: TempDir;
}

let number: number | undefined;

/** Test files run side by side, and so may two runs of the tests: each process has ranges of its own, and keeps them. */
function ranges(more: readonly string[]): string[] {
  number ??= ownNumber();
  return [
    ...['--pod-cidr', `127.100.${number}.0/24`],
    ...['--service-cidr', `127.170.${number}.0/24`],
    // With namespaces it is a part of the fabric.
    ...(more.includes('netns') || more.includes('--fabric-cidr') ? [] : ['--lb-pool', `127.171.${number}.0/24`]),
  ];
}

export const freePorts = ['--api-port', '0', '--http-port', '0', '--https-port', '0', '--admin-port', '0'];

/** Arguments of an `up` that is in nobody's way. */
export function upArguments(paths: readonly string[], data: string, more: readonly string[] = []): string[] {
  return ['up', ...paths, '--data', data, ...freePorts, ...ranges(more), ...more];
}

/** Resolves once everything is up: the last line that `up` prints is there. */
export async function startCluster(paths: readonly string[], options: ClusterOptions = {}): Promise<TestCluster> {
  const data = options.data ?? tempDir('cluster');
  const running = start(evenkeelBinary, upArguments(paths, data.path, options.args), { input: options.input ?? '' });
  let ended: Finished | undefined;
  void running.finished.then((finished) => {
    ended = finished;
  });
  const output = await eventually(
    'evenkeel up prints its addresses',
    () => {
      const { stdout, stderr } = running.output();
      if (stdout.includes('export KUBECONFIG=')) return stdout;
      if (ended !== undefined) return Promise.resolve('');
      throw new Error(`${stdout}\n${stderr}\n${logOf(data.path)}`);
    },
    90_000,
  );
  if (output === '')
    throw new Error(`evenkeel up ended with ${ended?.code}\n${ended?.stdout}\n${ended?.stderr}\n${logOf(data.path)}`);
  const [, http = '', https = ''] = /^Gateway {2}(\S+) {2}(\S+)/m.exec(output) ?? [];
  const [, admin = ''] = /^Admin +(\S+?)\/?$/m.exec(output) ?? [];
  const kubeconfig = join(data.path, 'kubeconfig');
  const client = createClient(loadKubeconfig(kubeconfig));
  const stop = async (): Promise<Finished> => {
    await client.close();
    if (ended === undefined) running.child.kill('SIGINT');
    return running.finished;
  };
  return {
    data: data.path,
    kubeconfig,
    client,
    http,
    https,
    admin,
    caFile: join(data.path, 'pki', 'ca.crt'),
    running,
    get: (kind, name, namespace) => client.get(ref(kind), name, namespace),
    list: async <T extends KubeObject>(kind: string, namespace?: string, labelSelector?: string) =>
      (
        await client.list<T>(ref(kind), {
          ...(namespace === undefined ? {} : { namespace }),
          ...(labelSelector === undefined ? {} : { labelSelector }),
        })
      ).items,
    async apply(manifests) {
      await mustRun(evenkeelBinary, ['apply', '-', '--data', data.path], { input: manifests });
    },
    stop,
    async remove() {
      await stop();
      data.remove();
    },
  };
}

function ref(kind: string): ResourceRef {
  return builtin(kind);
}

/** The end of the log, for the message of a failed test. */
export function logOf(data: string): string {
  const file = join(data, 'logs', 'evenkeel.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-30).join('\n') : '';
}
