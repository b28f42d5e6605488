// How a command finds the cluster it is about: the data directory's kubeconfig, or the one a person points at.
// Knows no command.
import { existsSync } from 'node:fs';
import type { Client } from '#kube/client/client.ts';
import { Failure, messageOf } from '../failure.ts';
import { type DataDir, dataDirAt } from '../main/data-dir.ts';

export interface ConnectOptions {
  readonly data?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface Connection {
  readonly client: Client;
  /** The context's namespace, or `default`. */
  readonly namespace: string;
  /** Of the embedded cluster; absent when another one was pointed at. */
  readonly data?: DataDir;
}

/** An explicit file, then the embedded cluster of the data directory when there is one, then kubectl's own rules. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const [{ loadKubeconfig }, { createClient }] = await Promise.all([
    import('#kube/client/kubeconfig.ts'),
    import('#kube/client/rest-client.ts'),
  ]);
  const data = dataDirAt(options.data);
  const own = options.data !== undefined || existsSync(data.kubeconfig) ? data.kubeconfig : undefined;
  const path = options.kubeconfig ?? own;
  if (path !== undefined && !existsSync(path)) {
    throw new Failure(
      `No kubeconfig at "${path}"`,
      options.kubeconfig === undefined
        ? 'Start a cluster there with "evenkeel up", name the directory of another one with --data, or a file with --kubeconfig'
        : 'Name another file with --kubeconfig',
    );
  }
  const config = orFailure(() => loadKubeconfig(path, options.context));
  return {
    client: createClient(config),
    namespace: config.namespace ?? 'default',
    ...(path !== undefined && path === own ? { data } : {}),
  };
}

/** Whatever is wrong with it, it names the file, and the line or the field. */
function orFailure<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    const remedy = 'Mend the file, or name another one with --kubeconfig, or one of its contexts with --context';
    throw new Failure(messageOf(error), remedy, { cause: error });
  }
}
