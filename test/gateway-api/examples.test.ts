// The examples of the Gateway API, each as its README says.
// Knows the CLI from the outside.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
});
