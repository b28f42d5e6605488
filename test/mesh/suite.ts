// The mesh over real connections, for whichever network there is: pods ask Services, and know nothing of a proxy.
// Knows the API from the outside.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { isReady, type PodObject } from '../support/pods.ts';
import { type Expected, routes, rows, services } from './cases.ts';
import { type Answer, asks, HOME, IMAGE, mark, route, seen, told, world } from './kit.ts';

function meets(
  answer: Answer | undefined,
  { status = 200, version, mark: marked, location, path, sent }: Expected,
): void {
  if (answer === undefined) throw new Error('No answer');
  const { version: who, path: asked, headers = {} } = seen(answer);
  const there: Record<string, unknown> = { status: answer.status };
  const wanted: Record<string, unknown> = { status };
  if (version !== undefined) [there.version, wanted.version] = [who, version];
  if (marked !== undefined) [there.mark, wanted.mark] = [answer.headers['x-route'] ?? null, marked];
  if (location !== undefined) [there.location, wanted.location] = [answer.headers.location, location];
  if (path !== undefined) [there.path, wanted.path] = [asked, path];
  for (const [name, value] of Object.entries(sent ?? {})) [there[name], wanted[name]] = [headers[name] ?? null, value];
  expect(there, answer.text).toEqual(wanted);
}

export function meshSuite(args: readonly string[]): void {
  let cluster: TestCluster;
  beforeAll(async () => {
    const input = world(services) + routes.map(route).join('');
    cluster = await startCluster(['-'], { input, args: [...args, ...IMAGE] });
    for (const { kind = 'HTTPRoute', name, namespace } of routes) await told(cluster, kind, name, namespace);
  }, 120_000);
  afterAll(() => cluster?.remove());

  test.for(rows.map((row) => [`${row.behaviour}: ${row.question.to}${row.question.path}`, row] as const))(
    '%s',
    { timeout: 30_000 },
    async ([, { from, question, expected }]) => {
      await eventually('the answer is as the route says', async () => {
        meets((await asks(cluster, from, question))[0], expected);
      });
    },
  );

  test.each([
    ['MeshTrafficSplit, MeshHTTPRouteWeight', { to: 'split:8080' }],
    ['MeshGRPCRouteWeight', { to: 'calls:7070', path: '/pets.Pets/List', grpc: true }],
  ])(
    '%s: seven of ten requests go to one, and three to the other',
    async (_behaviour, question) => {
      await eventually('requests are split', async () => meets((await asks(cluster, HOME, question))[0], {}));
      const answers = await asks(cluster, HOME, { ...question, count: 100 });
      const versions = answers.map((one) => ('grpc' in question ? one.text : seen(one).version));
      const share = (version: string): number => versions.filter((one) => one === version).length;
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(Math.abs(share('v1') - 70)).toBeLessThanOrEqual(5);
      expect(share('v1') + share('v2')).toBe(100);
    },
    60_000,
  );

  test('MeshFrontend: who asks a pod itself meets no route', async () => {
    const pods = await cluster.list<PodObject>('Pod', HOME, 'app=echo,version=v2');
    const address = pods.find(isReady)?.status?.podIP;
    const [answer] = await asks(cluster, HOME, { to: `${address}:8080` });
    meets(answer, { mark: null, version: 'v2' });
  });

  test('a route that is edited again and again fails nobody, and one that goes leaves the Service as it was', async () => {
    const rules = (version: string) => [
      { filters: [mark(version)], backendRefs: [{ name: `echo-${version}`, port: 8080 }] },
    ];
    const write = (version: string) =>
      cluster.apply(route({ name: 'live', parent: { name: 'live' }, rules: rules(version) }));
    const found = (expected: Expected) =>
      eventually(JSON.stringify(expected), async () =>
        meets((await asks(cluster, HOME, { to: 'live:8080' }))[0], expected),
      );
    await found({ mark: null });
    await write('v1');
    await found({ mark: 'v1', version: 'v1' });
    const asking = asks(cluster, HOME, { to: 'live:8080', count: 300 });
    for (const version of ['v2', 'v1', 'v2']) await write(version);
    expect((await asking).filter(({ status }) => status !== 200)).toEqual([]);
    await found({ mark: 'v2', version: 'v2' });
    const leaving = asks(cluster, HOME, { to: 'live:8080', count: 300 });
    await cluster.client.delete(gatewayResource('HTTPRoute'), 'live', HOME);
    expect((await leaving).filter(({ status }) => status !== 200)).toEqual([]);
    await found({ mark: null });
  }, 120_000);
}
