// A kubelet on a real API server, for tests: real processes, real informers, nothing is mocked.
// Knows how to start one and how to wait for a pod; what to test with it is the test's matter.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Event, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { createTestAuthority, startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers, type Informer, type Informers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { ownNumber } from '#test/support/own-number.ts';
import { openCgroups } from './cgroup/open.ts';
import { MappedImages } from './image/mapped-images.ts';
import type { ImageMap } from './images.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from './kubelet.ts';
import { LoopbackNetwork } from './network/loopback-network.ts';
import type { NetworkRequest, PodNetwork } from './network/pod-network.ts';
import { ProcessRuntime } from './process/process-runtime.ts';

export const PODS = builtin('Pod');

export interface TestNode {
  readonly server: TestServer;
  readonly client: Client;
  readonly dataDir: string;
  readonly kubelet: Kubelet;
  readonly kubeletCaPem: string;
  readonly kubeletClient: { certPem: string; keyPem: string };
  /** Creates a pod that is bound to the node. */
  run(name: string, spec: Partial<PodSpec> | Partial<Container>): Promise<Pod>;
  /** Resolves with the pod as soon as the API shows it so; rejects with its last state after 15 s. */
  until(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod>;
  /** Resolves when the API has the pod no more. */
  untilGone(name: string): Promise<void>;
  /** Messages of the pod's events with this reason, once there are `count`. */
  events(name: string, reason: string, count?: number): Promise<string[]>;
  /** Stops the kubelet as it should be stopped, and starts another on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Images that tests run: a shell whose script is the container's first argument, and this Node.js. */
const IMAGES: ImageMap = {
  sh: { command: ['sh', '-c'] },
  node: { command: [process.execPath, '-e'] },
};

/** Test files run side by side on one machine; each process takes a range of its own. */
const TEST_POD_CIDR = `127.244.${ownNumber()}.0/24`;

/** In a guest kernel (test/support/uml) everything takes its time. */
const WAIT_MS = process.env.EVENKEEL_GUEST === '1' ? 100_000 : 15_000;

export interface TestNodeOptions {
  readonly log?: Logger;
  readonly podCidr?: string;
  /** Whatever else the kubelet is to be started with. */
  readonly kubelet?: Partial<KubeletOptions>;
}

/** Whether limits of memory and CPU can be enforced here. */
export async function hasControlGroups(): Promise<boolean> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-groups-'));
  try {
    const groups = await openCgroups({ dataDir, nodeName: 'probe', clock: systemClock });
    groups?.close();
    return groups?.memory === true && groups.cpu;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const log = options.log ?? silentLogger;
  const clock = systemClock;
  const server = await startTestServer();
  const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken }, { log, clock });
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-kubelet-'));
  const authority = await createTestAuthority();
  const serving = await authority.issue('CN=system:node:node-1', true);
  const kubeletClient = await authority.issue('CN=kube-apiserver', false);
  let informers: Informers;
  let pods: Informer<Pod>;

  const start = async (): Promise<Kubelet> => {
    informers = createInformers(client, { log, clock });
    pods = informers.of<Pod>(PODS);
    informers.start();
    return await startKubelet({
      client,
      informers,
      nodeName: 'node-1',
      nodeAddresses: ['127.0.0.1'],
      podCidrs: [options.podCidr ?? TEST_POD_CIDR],
      dataDir,
      images: () => IMAGES,
      labels: { 'topology.kubernetes.io/zone': 'zone-a' },
      serving: { address: '127.0.0.1', port: 0, ...serving, clientCaPem: authority.caPem },
      log,
      clock,
      ...options.kubelet,
    });
  };
  let kubelet = await start();

  const wait = async <T>(what: string, look: () => T | undefined, state: () => unknown): Promise<T> => {
    return await new Promise<T>((resolve, reject) => {
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        finish();
        resolve(found);
      };
      const finish = (): void => {
        stop();
        clearTimeout(timer);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`${what} did not come; last seen: ${JSON.stringify(state(), null, 1)}`));
      }, WAIT_MS);
      let stop = (): void => {};
      stop = pods.onChange(check);
      check();
    });
  };

  return {
    server,
    client,
    dataDir,
    kubeletClient,
    kubeletCaPem: authority.caPem,
    get kubelet() {
      return kubelet;
    },
    async run(name, spec) {
      const one = 'containers' in spec ? {} : { containers: [{ name: 'main', image: 'sh', ...spec } as Container] };
      return await client.create<Pod>(PODS, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: {
          nodeName: 'node-1',
          terminationGracePeriodSeconds: 5,
          ...one,
          ...('containers' in spec ? spec : {}),
        } as PodSpec,
      });
    },
    until: (name, what, holds) => {
      const key = `default/${name}`;
      const look = (): Pod | undefined => {
        const pod = pods.get(key);
        return pod !== undefined && holds(pod) ? pod : undefined;
      };
      return wait(`Pod ${name}: ${what}`, look, () => pods.get(key)?.status);
    },
    async untilGone(name) {
      const key = `default/${name}`;
      await wait(
        `End of pod ${name}`,
        () => (pods.get(key) === undefined ? true : undefined),
        () => pods.get(key),
      );
    },
    async events(name, reason, count = 1) {
      const events = informers.of<Event>(builtin('Event'));
      await events.synced();
      const messages = (): string[] =>
        events
          .list('default')
          .filter((event) => event.involvedObject.name === name && event.reason === reason)
          .map((event) => event.message ?? '');
      return await new Promise((resolve, reject) => {
        let stop = (): void => {};
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`Pod ${name} has no ${count} events ${reason}, but ${JSON.stringify(messages())}`));
        }, WAIT_MS);
        const check = (): void => {
          if (messages().length < count) return;
          stop();
          clearTimeout(timer);
          resolve(messages());
        };
        stop = events.onChange(check);
        check();
      });
    },
    async restart() {
      await kubelet.stop({ graceMs: 2_000 });
      await informers.stop();
      kubelet = await start();
    },
    async close() {
      await kubelet.stop({ graceMs: 1_000 });
      await informers.stop();
      await client.close();
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function condition(pod: Pod, type: string): string | undefined {
  return pod.status?.conditions?.find((one) => one.type === type)?.status;
}

export function isReady(pod: Pod): boolean {
  return condition(pod, 'Ready') === 'True';
}

/** Addresses without namespaces, for pods that are apart from the machine in everything but the network. */
export function isolatedNetwork(): PodNetwork {
  const loopback = new LoopbackNetwork(`127.245.${ownNumber()}.0/24`);
  return {
    name: 'addresses',
    setUp: (request: NetworkRequest) => loopback.setUp(request),
    tearDown: (uid) => loopback.tearDown(uid),
    sweep: () => loopback.sweep(),
    problem: () => undefined,
    close: () => loopback.close(),
  };
}

/** Why containers cannot be kept apart from the machine here; `undefined` when they can. */
export async function isolationObstacle(): Promise<string | undefined> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evenkeel-probe-'));
  const images = new MappedImages(() => ({}));
  const runtime = new ProcessRuntime({ dataDir, images, keep: [], clock: systemClock, log: silentLogger });
  const found = await runtime.isolationObstacle();
  rmSync(dataDir, { recursive: true, force: true });
  return found;
}
