// The examples of the Gateway API, each as its README says.
// Knows the CLI from the outside.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { EchoClient } from '../grpc/echo-service.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { evenkeelBinary, mustRun, repository } from '../support/run.ts';
import { addressOf, answers } from './kit.ts';

const folder = join(repository, 'examples', 'gateway-api');

describe('examples/gateway-api', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster([folder], { args: ['--recursive'] });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  const at = async (name: string): Promise<string> => `http://${await addressOf(cluster, name, name)}:8080`;
  const pem = (example: string, name: string): string => readFileSync(join(folder, example, name), 'utf8');
  const podOf = ({ text }: Answer): string => (JSON.parse(text) as { pod: string }).pod;

  test('up ends with the address of each', () => {
    const { stdout } = cluster.running.output();
    for (const name of ['canary/canary', 'edge/edge', 'tcp/tcp']) expect(stdout).toContain(`  ${name}\n`);
    expect(stdout).toMatch(/TCP 127\.\S+:9000/);
  });

  test('canary: a tenth of the requests, and all that ask for it', async () => {
    const url = await at('canary');
    const question: Question = { host: 'canary.example' };
    await answers(url, 200, question);
    const pods = [];
    for (let i = 0; i < 40; i++) pods.push(podOf(await ask(url, question)));
    const next = pods.filter((pod) => pod.startsWith('next-')).length;
    expect(next).toBeGreaterThanOrEqual(3);
    expect(next).toBeLessThanOrEqual(5);
    expect(podOf(await ask(url, { ...question, headers: { 'x-canary': 'always' } }))).toMatch(/^next-/);
  });

  test('cross-namespace: the grant lets the route reach the Service', async () => {
    const url = await at('edge');
    expect(podOf(await answers(url, 200, { host: 'stock.example' }))).toMatch(/^stock-/);
  });

  test('mirror: the copy is seen in the log of the other', async () => {
    const url = await at('mirror');
    const answer = await answers(`${url}/copied`, 200, { host: 'mirror.example' });
    expect(podOf(answer)).toMatch(/^live-/);
    await eventually('the shadow has been asked', async () => {
      const text = await mustRun(evenkeelBinary, ['get', 'pods', '-n', 'mirror', '-o', 'json', '--data', cluster.data]);
      const pods = (JSON.parse(text) as { items: { metadata: { name: string }; status: { podIP: string } }[] }).items;
      const shadow = pods.find(({ metadata }) => metadata.name.startsWith('shadow-'));
      // The echo server counts; this very question is one.
      const { text: told } = await ask(`http://${shadow?.status.podIP}:8080/`);
      expect((JSON.parse(told) as { served: number }).served).toBeGreaterThan(1);
    });
  });

  test('paths: redirected, rewritten and edited', async () => {
    const url = await at('paths');
    const moved = await answers(`${url}/old/page`, 301, { host: 'paths.example' });
    expect(moved.headers.location).toMatch(/\/new\/page$/);
    const api = await answers(`${url}/api/items`, 200, { host: 'paths.example' });
    expect(JSON.parse(api.text)).toMatchObject({ path: '/items', headers: { 'x-api': 'v1' } });
    expect(api.headers['cache-control']).toBe('no-store');
  });

  test('tcp: bytes reach the Service', async () => {
    const url = `http://${await addressOf(cluster, 'tcp', 'tcp')}:9000/`;
    expect(podOf(await answers(url, 200))).toMatch(/^web-/);
  });

  test('patience: a client stays with its pod', async () => {
    const url = await at('patience');
    const first = await answers(url, 200, { host: 'patience.example' });
    const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^stays=/);
    for (let i = 0; i < 6; i++) {
      const again = await ask(url, { host: 'patience.example', headers: { cookie } });
      expect(podOf(again)).toBe(podOf(first));
    }
  });

  test('sticky: a client stays with its pod, newcomers are spread', async () => {
    const url = await at('sticky');
    const first = await answers(url, 200, { host: 'sticky.example' });
    const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^cart=/);
    for (let i = 0; i < 6; i++) {
      expect(podOf(await ask(url, { host: 'sticky.example', headers: { cookie } }))).toBe(podOf(first));
    }
    const others = new Set<string>();
    for (let i = 0; i < 30; i++) others.add(podOf(await ask(url, { host: 'sticky.example' })));
    expect(others.size).toBeGreaterThan(1);
  });

  test('grpc: a method and metadata say which pods are asked', async () => {
    const address = await addressOf(cluster, 'grpc', 'grpc');
    const client = new EchoClient(`${address}:8080`, 'grpc.example');
    const trial = new Metadata();
    trial.set('x-trial', 'yes');
    const other = '/shop.Greeter/Other';
    try {
      const greeted = await eventually('a call comes back', () =>
        client.unary('hello', { path: '/shop.Greeter/Greet' }),
      );
      expect(greeted.value).toBe('hello');
      expect(greeted.metadata?.get('x-pod')).toEqual([expect.stringMatching(/^greeter-/)]);
      const tried = await client.unary('hello', { path: other, metadata: trial });
      expect(tried.metadata?.get('x-pod')).toEqual([expect.stringMatching(/^trial-/)]);
      await expect(client.unary('hello', { path: other })).rejects.toMatchObject({ code: 12 });
    } finally {
      client.close();
    }
  });

  test('websocket: messages come back over the connection', async () => {
    const address = await addressOf(cluster, 'websocket', 'websocket');
    const client = new WebSocket(`ws://${address}:8080/chat/room`, { headers: { host: 'websocket.example' } });
    const [greeting] = (await once(client, 'message')) as [Buffer];
    expect(JSON.parse(greeting.toString())).toMatchObject({ namespace: 'websocket', path: '/chat/room' });
    client.send('hello');
    const [message] = (await once(client, 'message')) as [Buffer];
    expect(message.toString()).toBe('hello');
    client.terminate();
  });

  test('udp: datagrams of a client come back from one pod', async () => {
    const address = await addressOf(cluster, 'udp', 'udp');
    const client = createSocket('udp4');
    const pods = new Set<string>();
    for (let i = 0; i < 5; i++) {
      client.send(`hello ${i}`, 9000, address);
      const [bytes] = (await once(client, 'message')) as [Buffer];
      const [, pod, text] = /^(.*): (.*)$/.exec(bytes.toString()) ?? [];
      expect(text).toBe(`hello ${i}`);
      pods.add(pod ?? '');
    }
    expect([...pods]).toEqual([expect.stringMatching(/^game-/)]);
    client.close();
  });

  test('tls-passthrough: the pods show their own certificates', async () => {
    const host = await addressOf(cluster, 'tls-passthrough', 'tls-passthrough');
    const ca = pem('tls-passthrough', 'ca.pem');
    const mail = await answers(`https://${host}:8443/`, 200, { host: 'mail.example', ca });
    expect(podOf(mail)).toMatch(/^mail-/);
    const socket = connectTls({ host, port: 8443, servername: 'vault.example', ca });
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    socket.end('hello');
    await once(socket, 'close');
    expect(text).toMatch(/^vault-\S+ vault\.example: hello$/);
  });

  test('backend-tls: the pod is asked by the name that the policy says', async () => {
    const answer = await answers(await at('backend-tls'), 200, { host: 'bank.example' });
    expect(JSON.parse(answer.text)).toMatchObject({ tls: { serverName: 'bank.internal' } });
  });

  test('client-certificates: who has one is served, and the pod reads whose it is', async () => {
    const url = `https://${await addressOf(cluster, 'client-certificates', 'client-certificates')}:8443/`;
    const ca = pem('client-certificates', 'ca.pem');
    const both = pem('client-certificates', 'client.pem');
    const question: Question = { host: 'partners.example', ca };
    const answer = await answers(url, 200, { ...question, cert: both, key: both });
    expect(answer.text).toContain('CN=alice');
    await expect(ask(url, question)).rejects.toThrow(/certificate required|socket hang up|ECONNRESET/);
  });
});
