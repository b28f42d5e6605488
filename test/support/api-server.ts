// A server of `evenkeel apiserver` for a test: started, asked, ended.
// Knows the CLI and the kubeconfig that it writes.
import { join } from 'node:path';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { evenkeelBinary, type Finished, type Running, start } from './run.ts';

export interface TestApiServer {
  readonly running: Running;
  readonly kubeconfig: string;
  readonly client: Client;
  /** Ends it, as Ctrl-C does unless told otherwise. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

export interface ApiServerSettings {
  readonly args?: readonly string[];
  /** Words before the program's, e.g. to start it in a namespace of its own. */
  readonly within?: readonly string[];
  /** Where the test finds the data directory, when not where the server does. */
  readonly seenAt?: (pid: number) => string;
}

/** Resolves once it listens; fails with what it said when it ends before. */
export async function startTestApiServer(data: string, settings: ApiServerSettings = {}): Promise<TestApiServer> {
  const command = [
    ...(settings.within ?? []),
    evenkeelBinary,
    'apiserver',
    '--data',
    data,
    '--api-port',
    '0',
    ...(settings.args ?? []),
  ];
  const running = start(command[0] as string, command.slice(1));
  await new Promise<void>((resolve, reject) => {
    running.child.stdout?.on('data', () => {
      if (running.output().stdout.includes('KUBECONFIG')) resolve();
    });
    void running.finished.then(({ code, stderr }) => reject(new Error(`The server ended with ${code}: ${stderr}`)));
  });
  const kubeconfig = join(settings.seenAt?.(running.child.pid ?? 0) ?? data, 'kubeconfig');
  const client = createClient(loadKubeconfig(kubeconfig));
  return {
    running,
    kubeconfig,
    client,
    async stop(signal = 'SIGTERM') {
      running.child.kill(signal);
      await client.close();
      return running.finished;
    },
  };
}
