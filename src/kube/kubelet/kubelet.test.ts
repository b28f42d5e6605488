// The kubelet as a whole: pods written to a real API server become real processes, and their states come back.

import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { ConfigMap, Node, Pod, Secret, Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { condition, isReady, PODS, startTestNode, type TestNode } from './testing.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startTestNode();
});

afterAll(async () => {
  await node.close();
});

function logs(path: string): Promise<{ status: number; body: string }> {
  const { certPem, keyPem } = node.kubeletClient;
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: node.kubelet.port,
      path,
      cert: certPem,
      key: keyPem,
      ca: node.kubeletCaPem,
    };
    const outgoing = request({ ...options, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString('utf8');
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('node', () => {
  test('registers itself ready, with labels, addresses, capacity and a lease', async () => {
    const found = await node.client.get<Node>(builtin('Node'), 'node-1');
    expect(found.metadata?.labels).toMatchObject({
      'kubernetes.io/hostname': 'node-1',
      'topology.kubernetes.io/zone': 'zone-a',
    });
    expect(found.status?.addresses).toEqual([
      { type: 'InternalIP', address: '127.0.0.1' },
      { type: 'Hostname', address: 'node-1' },
    ]);
    expect(found.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'MemoryPressure=False',
      'DiskPressure=False',
      'PIDPressure=False',
      'Ready=True',
    ]);
    expect(found.status?.daemonEndpoints?.kubeletEndpoint?.Port).toBe(node.kubelet.port);
    expect(found.status?.allocatable).toMatchObject({ pods: '110' });
    const lease = await node.client.get<Lease>(builtin('Lease'), 'node-1', 'kube-node-lease');
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
  });
});

describe('serving', () => {
  test('refuses callers without a client certificate', async () => {
    const call = new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: node.kubelet.port,
        path: '/pods',
        ca: node.kubeletCaPem,
        agent: false as const,
      };
      request(options, resolve).on('error', reject).end();
    });
    await expect(call).rejects.toThrow();
  });

  test('lists its pods, and says when a container has no log', async () => {
    expect(await logs('//')).toEqual({ status: 400, body: '"//" is not a path\n' });
    expect(await logs('/healthz')).toEqual({ status: 200, body: 'ok' });
    expect(await logs('/containerLogs/default/nobody/main')).toEqual({
      status: 404,
      body: 'pod "nobody" does not exist\n',
    });
    await node.run('silent', { image: 'no/such' });
    await node.until('silent', 'pending', (one) => one.status?.phase === 'Pending');
    expect((await logs('/containerLogs/default/silent/main')).body).toContain(
      'container "main" in pod "silent" is waiting to start: ',
    );
    expect((await logs('/containerLogs/default/silent/other')).body).toContain(
      'container other is not valid for pod silent',
    );
    const list = JSON.parse((await logs('/pods')).body);
    expect(list.items.map((pod: Pod) => pod.metadata?.name)).toContain('silent');
  });
});

describe('a pod', () => {
  test('of the echo image becomes ready and answers on its own address', async () => {
    await node.run('echo', {
      name: 'echo',
      image: 'evenkeel.dev/echo:1',
      env: [
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
    });
    const pod = await node.until('echo', 'ready', isReady);
    expect(pod.status?.phase).toBe('Running');
    expect(pod.status?.podIP).toMatch(/^127\.244\.\d+\.\d+$/);
    const response = await fetch(`http://${pod.status?.podIP}:8080/hello?x=1`);
    expect(await response.json()).toMatchObject({ pod: 'echo', podIp: pod.status?.podIP, path: '/hello?x=1' });

    await fetch(`http://${pod.status?.podIP}:8080/ready?value=false`, { method: 'POST' });
    await node.until('echo', 'not ready', (one) => condition(one, 'Ready') === 'False');
    expect(await node.events('echo', 'Unhealthy')).toEqual([
      'Readiness probe failed: HTTP probe failed with statuscode: 503',
    ]);
    await fetch(`http://${pod.status?.podIP}:8080/ready?value=true`, { method: 'POST' });
    await node.until('echo', 'ready again', isReady);

    await node.client.delete(PODS, 'echo', 'default');
    await node.untilGone('echo');
    expect(await node.events('echo', 'Killing')).toEqual(['Stopping container echo']);
  });

  test('that crashes is restarted once at once and then held back', async () => {
    await node.run('crash', { args: ['echo last words > $EVENKEEL_TERMINATION_LOG; exit 3'] });
    const pod = await node.until(
      'crash',
      'held back',
      (one) => one.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    const status = pod.status?.containerStatuses?.[0];
    expect(status?.restartCount).toBe(1);
    expect(status?.state?.waiting?.message).toBe(
      `back-off 10s restarting failed container=main pod=crash_default(${pod.metadata?.uid})`,
    );
    expect(status?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'last words\n' });
    expect(pod.status?.phase).toBe('Running');
  });

  test('that never restarts ends Succeeded or Failed by its exit codes', async () => {
    const spec = (script: string) => ({
      restartPolicy: 'Never' as const,
      containers: [{ name: 'main', image: 'sh', args: [script] }],
    });
    await node.run('good', spec('true'));
    await node.run('bad', spec('kill -9 $$$$'));
    const good = await node.until('good', 'succeeded', (one) => one.status?.phase === 'Succeeded');
    const bad = await node.until('bad', 'failed', (one) => one.status?.phase === 'Failed');
    expect(good.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(good.status?.conditions?.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
    expect(bad.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, signal: 9 });
  });

  test('of an unknown image says which key to write', async () => {
    await node.run('unknown', { image: 'registry.example/shop/cart:1.2' });
    const pod = await node.until(
      'unknown',
      'image missing',
      (one) => one.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
    );
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(
      'add "registry.example/shop/cart: { command: [...] }" below "images:" in evenkeel.yaml',
    );
    expect(pod.status?.phase).toBe('Pending');
  });

  test('may replace the command of its image, with references in it', async () => {
    await node.run('command', {
      command: ['printf', '%s|'],
      args: ['$(WORD)', '$$(WORD)', '$(NONE)'],
      env: [{ name: 'WORD', value: 'x' }],
      image: 'node:22',
    });
    await node.until('command', 'ended', (one) => (one.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    expect((await logs('/containerLogs/default/command/main?previous=true')).body).toBe('x|$(WORD)|$(NONE)|\n');
  });

  test('is ready only when its readiness gates are true', async () => {
    await node.run('gated', {
      readinessGates: [{ conditionType: 'example.com/loaded' }],
      containers: [{ name: 'main', image: 'sh', args: ['exec sleep 60'] }],
    });
    const pod = await node.until('gated', 'containers ready', (one) => condition(one, 'ContainersReady') === 'True');
    expect(condition(pod, 'Ready')).toBe('False');
    const gate = { type: 'example.com/loaded', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const body = { status: { conditions: [gate] } };
    await node.client.patch(PODS, 'gated', 'default', 'strategic', body, { subresource: 'status' });
    const ready = await node.until('gated', 'ready', isReady);
    expect(condition(ready, 'example.com/loaded')).toBe('True');
  });

  test('that is active for too long fails, and stays for people to see', async () => {
    await node.run('slow', {
      activeDeadlineSeconds: 1,
      containers: [{ name: 'main', image: 'sh', args: ['exec sleep 60'] }],
    });
    const pod = await node.until('slow', 'failed', (one) => one.status?.phase === 'Failed');
    expect(pod.status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    await node.client.delete(PODS, 'slow', 'default');
    await node.untilGone('slow');
  });

  test('waits for a ConfigMap that is missing, and starts when it appears', async () => {
    await node.run('waits', {
      args: ['echo color=$COLOR; sleep 60'],
      env: [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'colors', key: 'sky' } } }],
    });
    const pod = await node.until(
      'waits',
      'config error',
      (one) => one.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe('configmap "colors" not found');
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'colors', namespace: 'default' } } as const;
    await node.client.create<ConfigMap>(builtin('ConfigMap'), { ...map, data: { sky: 'blue' } });
    await node.until('waits', 'running', (one) => one.status?.containerStatuses?.[0]?.state?.running !== undefined);
  });

  test('runs init containers in order before its own', async () => {
    await node.run('inits', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ['cat $EVENKEEL_MOUNT_SHARED/trace; sleep 60'],
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
      ],
      initContainers: ['one', 'two'].map((name) => ({
        name,
        image: 'sh',
        args: [`echo ${name} >> $EVENKEEL_MOUNT_SHARED/trace`],
        volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
      })),
      volumes: [{ name: 'shared', emptyDir: {} }],
    });
    const pod = await node.until('inits', 'ready', isReady);
    expect(pod.status?.initContainerStatuses?.map(({ name, ready }) => `${name} ${ready}`)).toEqual([
      'one true',
      'two true',
    ]);
    const followed = await logs('/containerLogs/default/inits/main?tailLines=2&follow=true&limitBytes=8');
    expect(followed.body).toBe('one\ntwo\n');
  });

  test('is restarted when its liveness probe fails, and told so', async () => {
    await node.run('sick', {
      image: 'evenkeel.dev/echo',
      readinessProbe: { tcpSocket: { port: 8080 } },
      livenessProbe: { httpGet: { path: '/livez', port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
    });
    const pod = await node.until('sick', 'ready', isReady);
    await fetch(`http://${pod.status?.podIP}:8080/live?value=false`, { method: 'POST' });
    const restarted = await node.until(
      'sick',
      'restarted',
      (one) => one.status?.containerStatuses?.[0]?.restartCount === 1,
    );
    expect(restarted.status?.podIP).toBe(pod.status?.podIP);
    expect(await node.events('sick', 'Killing')).toEqual(['Container main failed liveness probe, will be restarted']);
  });

  test('gets Secret files that follow the Secret, and Service variables', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'default' } } as const;
    await node.client.create<Secret>(builtin('Secret'), {
      ...secret,
      data: { token: Buffer.from('first').toString('base64') },
    });
    await node.client.create<Service>(builtin('Service'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'my-db', namespace: 'default' },
      spec: { clusterIP: '127.96.0.77', ports: [{ name: 'sql', port: 5432 }] },
    });
    await node.run('files', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ['echo "$URL $MY_DB_SERVICE_PORT_SQL"; exec sleep 60'],
          env: [{ name: 'URL', value: 'pg://$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)/$$(x)' }],
          volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
        },
      ],
      volumes: [{ name: 'keys', secret: { secretName: 'keys' } }],
    });
    const pod = await node.until('files', 'ready', isReady);
    const expected = 'pg://127.96.0.77:5432/$(x) 5432\n';
    const { body } = await logs(`/containerLogs/default/files/main?follow=true&limitBytes=${expected.length}`);
    expect(body).toBe(expected);
    const file = `${node.dataDir}/pods/${pod.metadata?.uid}/volumes/kubernetes.io~secret/keys/token`;
    expect(readFileSync(file, 'utf8')).toBe('first');
    const data = { token: Buffer.from('second').toString('base64') };
    await node.client.patch(builtin('Secret'), 'keys', 'default', 'merge', { data });
    await expect.poll(() => readFileSync(file, 'utf8')).toBe('second');
  });

  test('finds its volumes at their paths where the machine allows it, and by their variables everywhere', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'app', namespace: 'default' } } as const;
    await node.client.create<ConfigMap>(builtin('ConfigMap'), { ...map, data: { 'app.conf': 'answer=42\n' } });
    await node.run('mounts', {
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: [
            'cat $EVENKEEL_MOUNT_APP/app.conf /evenkeel-test/app.conf /etc/evenkeel-test/app/app.conf; exec sleep 60',
          ],
          volumeMounts: ['/evenkeel-test', '/etc/evenkeel-test/app'].map((mountPath) => ({ name: 'app', mountPath })),
          readinessProbe: {
            exec: { command: ['cat', '/evenkeel-test/app.conf', '/etc/evenkeel-test/app/app.conf'] },
            periodSeconds: 1,
          },
        },
      ],
      volumes: [{ name: 'app', configMap: { name: 'app' } }],
    });
    await node.until('mounts', 'running', (one) => one.status?.containerStatuses?.[0]?.state?.running !== undefined);
    expect((await logs('/containerLogs/default/mounts/main?follow=true&limitBytes=10')).body).toBe('answer=42\n');
    const notes = await Promise.race([
      node.events('mounts', 'VolumeByVariable'),
      node.until('mounts', 'ready', isReady).then(() => []),
    ]);
    if (notes.length > 0) expect(notes[0]).toContain('the container finds it at $EVENKEEL_MOUNT_APP');
    else expect((await logs('/containerLogs/default/mounts/main')).body).toBe('answer=42\n'.repeat(3));
    expect(existsSync('/evenkeel-test')).toBe(false);
    expect(existsSync('/etc/evenkeel-test')).toBe(false);
  });
});
