// A small real cluster for tests of controllers: the real API server, the real client, controllers, and a played kubelet.
// Starts what it is asked for and takes everything down again.

import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers, type Informer, type Informers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { type RunningControllers, startControllers } from '../manager.ts';
import type { ControllerSettings } from '../settings.ts';
import { addNode, type KubeletPlayer, playKubelet } from './kubelet-player.ts';

export interface World {
  readonly client: Client;
  readonly informers: Informers;
  readonly kubelet: KubeletPlayer;
  /** The informer of a built-in kind, for reading. */
  see<T extends KubeObject>(kind: string): Informer<T>;
  /** Resolves with what `look` returns once that is neither undefined nor false; looks again at every change seen. */
  until<T>(look: () => T | undefined | false): Promise<T>;
  /** Stops the controllers and starts them anew, as after a crash; `client` to look at what they write. */
  restartControllers(client?: Client): Promise<void>;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Names of controllers; default all. */
  readonly only?: readonly string[];
  /** Node names to register as ready; default one, `node-1`. */
  readonly nodes?: readonly string[];
  readonly log?: Logger;
  readonly settings?: Partial<ControllerSettings>;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const log = options.log ?? silentLogger;
  const server = await startTestServer();
  const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  const informers = createInformers(client, { clock: systemClock, log });
  const lookers = new Set<() => void>();
  const seen = new Map<string, Informer<KubeObject>>();
  const see = <T extends KubeObject>(kind: string): Informer<T> => {
    let informer = seen.get(kind);
    if (informer === undefined) {
      informer = informers.of<KubeObject>(builtin(kind));
      // After the other handlers, so that what a test collects in its own handler is there when it looks.
      informer.onChange(() => {
        queueMicrotask(() => {
          for (const look of lookers) look();
        });
      });
      seen.set(kind, informer);
    }
    return informer as unknown as Informer<T>;
  };
  for (const kind of ['Pod', 'ReplicaSet', 'Deployment', 'Service', 'EndpointSlice', 'Event', 'Namespace', 'Node'])
    see(kind);
  for (const name of options.nodes ?? ['node-1']) await addNode(client, name);
  const kubelet = playKubelet(client, informers);
  const start = (through: Client): Promise<RunningControllers> =>
    startControllers({
      client: through,
      informers,
      clock: systemClock,
      log,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(options.only === undefined ? {} : { only: options.only }),
    });
  let running = await start(client);
  return {
    client,
    informers,
    kubelet,
    see,
    until<T>(look: () => T | undefined | false) {
      return new Promise<T>((resolve, reject) => {
        const check = (): void => {
          try {
            const result = look();
            if (result === undefined || result === false) return;
            lookers.delete(check);
            resolve(result);
          } catch (error) {
            lookers.delete(check);
            reject(error);
          }
        };
        lookers.add(check);
        check();
      });
    },
    async restartControllers(through = client) {
      await running.stop();
      running = await start(through);
    },
    async close() {
      await running.stop();
      await kubelet.stop();
      await informers.stop();
      await client.close();
      await server.close();
    },
  };
}
