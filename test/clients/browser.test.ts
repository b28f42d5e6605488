// A page of another origin in a real browser, as a dashboard is: it reads the API, watches and follows logs.
// Knows what a page can do: fetch and WebSocket, with a token and no certificate.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { hasBrowser, type OpenPage, openPage } from '#test/support/browser.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';

const manifests = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: dashboard, namespace: default }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: dashboard }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit }
subjects: [{ kind: ServiceAccount, name: dashboard, namespace: default }]
---
apiVersion: v1
kind: Pod
metadata: { name: talker, namespace: default }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - { name: main, image: sh, command: [sh, -c, "echo grüße; trap 'exit 0' TERM; while :; do sleep 0.2; done"] }
`;

describe.skipIf(!hasBrowser('the API as pages see it'))('a page of an origin that is named', () => {
  let site: Server;
  let cluster: TestCluster;
  let opened: OpenPage;
  let token: string;
  let server: string;

  beforeAll(async () => {
    site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<title>dashboard</title>'),
    );
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const origins = `^http://127\\.0\\.0\\.1:${port}$`;
    const args = ['--network', 'loopback', '--image', 'sh=/bin/sh', '--cors-allowed-origins', origins];
    cluster = await startCluster(['-'], { args, input: manifests });
    const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const issued = await cluster.client.raw(
      'POST',
      '/api/v1/namespaces/default/serviceaccounts/dashboard/token',
      asked,
    );
    token = (issued as { status: { token: string } }).status.token;
    server = loadKubeconfig(cluster.kubeconfig).server;
    opened = await openPage({ anyCertificate: true });
    await opened.page.goto(`http://127.0.0.1:${port}/`);
  }, 120_000);
  afterAll(async () => {
    await opened?.close();
    await cluster?.remove();
    site?.close();
  }, 30_000);

  test('reads, writes, and is told why not', async () => {
    const seen = await opened.page.evaluate(
      async ([url, bearer]) => {
        const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
        const call = async (method: string, path: string, body?: unknown): Promise<[number, string, string]> => {
          const answer = await fetch(url + path, {
            method,
            headers,
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          });
          const { kind, reason = '' } = (await answer.json()) as { kind: string; reason?: string };
          return [answer.status, kind, reason];
        };
        const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-page' } };
        const maps = '/api/v1/namespaces/default/configmaps';
        return [
          await call('GET', '/api/v1/namespaces/default/pods'),
          await call('POST', maps, map),
          await call('DELETE', `${maps}/from-page`),
          await call('GET', '/api/v1/nodes'),
        ];
      },
      [server, token] as const,
    );
    expect(seen).toEqual([
      [200, 'PodList', ''],
      [201, 'ConfigMap', ''],
      [200, 'Status', ''],
      [403, 'Status', 'Forbidden'],
    ]);
  });

  test('watches, and follows a log, by WebSocket', { timeout: 60_000 }, async () => {
    await opened.page.evaluate(
      ([url, bearer]) => {
        const page = globalThis as unknown as { said: Record<string, string[]>; sockets: WebSocket[] };
        const encoded = btoa(bearer).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        const protocols = ['base64.binary.k8s.io', `base64url.bearer.authorization.k8s.io.${encoded}`];
        const follow = (path: string, read: (data: string) => string): string[] => {
          const lines: string[] = [];
          const socket = new WebSocket(url.replace('https', 'wss') + path, protocols);
          socket.onmessage = ({ data }) => lines.push(read(data));
          socket.onclose = ({ code }) => lines.push(`closed ${code}`);
          page.sockets = [...(page.sockets ?? []), socket];
          return lines;
        };
        const text = (data: string): string =>
          new TextDecoder().decode(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)));
        const namespace = '/api/v1/namespaces/default';
        page.said = {
          watch: follow(`${namespace}/configmaps?watch=1&fieldSelector=metadata.name%3Dseen`, (data) => {
            const { type, object } = JSON.parse(data);
            return `${type} ${object.metadata.name}`;
          }),
          log: follow(`${namespace}/pods/talker/log?follow=true`, text),
          none: follow(`${namespace}/pods/nobody/log`, text),
        };
      },
      [server, token] as const,
    );
    const said = (name: string): Promise<string[]> =>
      opened.page.evaluate(
        (key) => (globalThis as unknown as { said: Record<string, string[]> }).said[key] ?? [],
        name,
      );
    // The first message is empty: it says that the stream stands.
    await expect.poll(async () => (await said('log')).join(''), { timeout: 20_000 }).toBe('grüße\n');
    expect((await said('log'))[0]).toBe('');
    await expect.poll(() => said('none')).toEqual(['closed 1006']);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seen' } };
    await cluster.client.raw('POST', '/api/v1/namespaces/default/configmaps', map);
    await cluster.client.raw('DELETE', '/api/v1/namespaces/default/configmaps/seen');
    await expect.poll(() => said('watch')).toEqual(['ADDED seen', 'DELETED seen']);
    // Who deletes the pod ends its log, in order.
    await cluster.client.raw('DELETE', '/api/v1/namespaces/default/pods/talker');
    await expect.poll(async () => (await said('log')).at(-1), { timeout: 20_000 }).toBe('closed 1000');
  });

  test('of any other origin is kept out by the browser', async () => {
    const { port } = site.address() as AddressInfo;
    await opened.page.goto(`http://localhost:${port}/`);
    const seen = await opened.page.evaluate(
      ([url, bearer]) =>
        fetch(`${url}/version`, { headers: { authorization: `Bearer ${bearer}` } }).then(
          () => 'read',
          (error: Error) => error.message,
        ),
      [server, token] as const,
    );
    expect(seen).toBe('Failed to fetch');
  });
});
