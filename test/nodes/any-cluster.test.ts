// `evenkeel kubelet` at an API server that knows nothing of it: joins, waits for its range, runs pods, and leaves.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { join } from 'node:path';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { ownNumber } from '../support/own-number.ts';
import { evenkeel, evenkeelBinary, type Running, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

let data: TempDir;
let api: Running;
let kubeconfig: string;
let client: Client;
const range = `127.231.${ownNumber()}.0/24`;

beforeEach(() => {
  data = tempDir('any-cluster');
});
afterEach(() => data.remove());

describe('at an API server', () => {
  beforeEach(async () => {
    kubeconfig = join(data.path, 'api', 'kubeconfig');
    const server = join(data.path, 'api');
    api = start(evenkeelBinary, ['apiserver', '--controllers', '--data', server, '--api-port', '0']);
    await eventually('the API server is there', () => expect(api.output().stdout).toContain('KUBECONFIG'), 90_000);
    client = createClient(loadKubeconfig(kubeconfig));
  }, 120_000);

  afterEach(async () => {
    await client.close();
    api.child.kill('SIGTERM');
    await api.finished;
  });

  test('takes the range that its Node is given, runs its pods, and leaves its objects at SIGTERM', async () => {
    const own = ['--data', join(data.path, 'n1'), '--port', '0', '--network', 'loopback'];
    const labels = ['--node-labels', 'try=yes', '--max-pods', '7', '--node-lease-duration', '8s'];
    const running = start(evenkeelBinary, [
      'kubelet',
      '--kubeconfig',
      kubeconfig,
      '--node-name',
      'n1',
      ...own,
      ...labels,
    ]);
    try {
      const waiting = await eventually('the Node is registered', () => client.get<Node>(builtin('Node'), 'n1'));
      // What `kubectl get nodes` makes "NotReady" of, and not "Unknown".
      const { reason, message } = waiting.status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
      expect({ reason, message }).toEqual({
        reason: 'KubeletNotReady',
        message: expect.stringContaining('spec.podCIDR of the Node is not set yet'),
      });
      await client.patch(builtin('Node'), 'n1', undefined, 'merge', { spec: { podCIDR: range, podCIDRs: [range] } });
      const node = await eventually('the Node is ready', async () => {
        const found = await client.get<Node>(builtin('Node'), 'n1');
        expect(found.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
        return found;
      });
      expect(node.metadata?.labels?.try).toBe('yes');
      expect(node.status?.capacity?.pods).toBe('7');
      await client.create<Pod>(builtin('Pod'), {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'one', namespace: 'default' },
        spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'evenkeel.dev/echo' }] },
      });
      await eventually('the pod runs', async () => {
        const pod = await client.get<Pod>(builtin('Pod'), 'one', 'default');
        expect(pod.status?.phase).toBe('Running');
        expect(pod.status?.podIP?.startsWith(range.slice(0, range.lastIndexOf('.')))).toBe(true);
      });
      // The kubelet serves with a certificate of its own making.
      await expect(client.raw('GET', '/api/v1/namespaces/default/pods/one/log')).resolves.toBeDefined();
    } finally {
      running.child.kill('SIGTERM');
      // Also after a failure: what its pods had is gone only then, and so is its use of the directory.
      await running.finished;
    }
    expect((await running.finished).code).toBe(0);
    expect((await client.get<Node>(builtin('Node'), 'n1')).metadata?.name).toBe('n1');
    expect((await client.get<Pod>(builtin('Pod'), 'one', 'default')).metadata?.name).toBe('one');
  }, 180_000);

  test.runIf(kernelAllows(namespaceObstacle(), 'a kubelet that waits for its network'))(
    'says that it has joined and is not ready where nobody has configured a network yet',
    async () => {
      const empty = join(data.path, 'net.d');
      mkdirSync(empty);
      const own = ['--data', join(data.path, 'n3'), '--port', '0', '--pod-cidr', '10.231.1.0/24'];
      const cni = ['--network', 'cni', '--cni-conf', empty, '--cni-bin', empty];
      const args = ['kubelet', '--kubeconfig', kubeconfig, '--node-name', 'n3', ...own, ...cni];
      const running = start(evenkeelBinary, args, { timeoutMs: 60_000 });
      try {
        await eventually('it has joined', () =>
          expect(running.output().stdout, running.output().stderr).toContain(
            `Node n3 has joined, and is not ready yet (Network plugin returns error: no network config found in ${empty}`,
          ),
        );
      } finally {
        running.child.kill('SIGTERM');
        await running.finished;
      }
    },
    90_000,
  );

  test('joins however often the API server goes away in the middle of it', async () => {
    const dropping = await dropFirst(kubeconfig, data.path);
    const own = ['--data', join(data.path, 'n2'), '--port', '0', '--network', 'loopback'];
    const args = ['kubelet', '--kubeconfig', dropping.kubeconfig, '--client-ca-file', dropping.caFile];
    const running = start(evenkeelBinary, [...args, '--node-name', 'n2', ...own], { timeoutMs: 60_000 });
    try {
      await eventually('the Node is registered', () => client.get(builtin('Node'), 'n2'));
      await client.patch(builtin('Node'), 'n2', undefined, 'merge', { spec: { podCIDR: range, podCIDRs: [range] } });
      await eventually('it has joined', () => {
        const { stdout, stderr } = running.output();
        expect(stdout, stderr).toContain('Node n2 is ready');
      });
      expect(dropping.dropped()).toEqual(
        expect.arrayContaining([
          'GET /api/v1/nodes/n2',
          'POST /api/v1/nodes',
          'PATCH /api/v1/nodes/n2',
          'PATCH /api/v1/nodes/n2/status',
          'POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
        ]),
      );
    } finally {
      running.child.kill('SIGTERM');
      await running.finished;
      dropping.close();
    }
    expect((await running.finished).code).toBe(0);
  }, 120_000);
});

/** In front of an API server, ends the connection of the first of every request: the second one gets through. */
async function dropFirst(
  file: string,
  dir: string,
): Promise<{ kubeconfig: string; caFile: string; dropped: () => string[]; close: () => void }> {
  const { server, caPem, clientCertPem, clientKeyPem } = loadKubeconfig(file);
  const dropped = new Set<string>();
  const proxy = createServer((request, response) => {
    const what = `${request.method} ${request.url?.split('?', 1)[0]}`;
    if (!dropped.has(what)) {
      dropped.add(what);
      return void request.socket.destroy();
    }
    const onward = tlsRequest(
      `${server}${request.url}`,
      { method: request.method, headers: request.headers, ca: caPem, cert: clientCertPem, key: clientKeyPem },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  const kubeconfig = join(dir, 'dropping.kubeconfig');
  const caFile = join(dir, 'dropping-ca.crt');
  writeFileSync(caFile, caPem ?? '');
  writeFileSync(kubeconfig, configOf(port));
  return {
    kubeconfig,
    caFile,
    dropped: () => [...dropped],
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

function configOf(port: number): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user: {} }],
    'current-context': 'c',
  });
}

test('ends when it is told to while the API server no longer answers', async () => {
  // Says that the Node is not there, and then nothing any more: as one that was killed in the middle of a start.
  const silent = createServer((request, response) => {
    if (request.method !== 'GET' || !request.url?.endsWith('/nodes/n1')) return;
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }),
    );
  });
  let asked = 0;
  silent.on('request', () => {
    asked += 1;
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const file = join(data.path, 'kubeconfig');
  const ca = join(data.path, 'ca.crt');
  writeFileSync(ca, (await createAuthority({ commonName: 'any' })).certPem);
  writeFileSync(file, configOf(port));
  const own = ['--data', join(data.path, 'n1'), '--port', '0', '--network', 'loopback', '--pod-cidr', range];
  const running = start(
    evenkeelBinary,
    ['kubelet', '--kubeconfig', file, '--client-ca-file', ca, '--node-name', 'n1', ...own],
    { timeoutMs: 60_000 },
  );
  try {
    await eventually('it has begun to join', () => expect(asked, running.output().stderr).toBeGreaterThan(1));
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
}, 90_000);

test.each([
  [['--node-name', 'N_1'], 'Node name "N_1" is no DNS name'],
  [['--node-name', 'n1', '--network', 'cni'], 'Network cni needs to know its plugins'],
  [['--node-name', 'n1', '--cni-conf', '/x'], 'Only one of --cni-conf and --cni-bin is given'],
  [['--node-name', 'n1', '--node-labels', 'zone'], '"zone" is no label'],
  [['--node-name', 'n1', '--register-with-taints', 'a=b:Sometimes'], '"a=b:Sometimes" is no taint'],
  [['--node-name', 'n1', '--kubeconfig', '/nowhere'], 'Kubeconfig "/nowhere" cannot be read: it is not there'],
])('says what is wrong with %j, and nothing else', async (args, message) => {
  const { code, stderr } = await evenkeel(['kubelet', '--data', join(data.path, 'n1'), ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('"level"');
});
