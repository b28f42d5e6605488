// A flood by one user over HTTP: what others wait for is counted in requests served.
// Knows the server by its URL only.
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { at, configMap, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1';
/** Of one user, as upstream's level for people has it. */
const MAY_WAIT = 50;

let api: TestApi;
beforeAll(async () => {
  const user = (name: string) => [name, { name, groups: [] }] as const;
  // So few that every level has one seat.
  api = await startTestApi({ maxInFlight: 1, tokens: new Map(['flood', 'calm', 'third'].map(user)) });
  await api.ok('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'everybody' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'Group', name: 'system:authenticated', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  });
});
afterAll(() => api.close());

let session: ClientHttp2Session;
beforeEach(() => {
  session = connect(api.server.url, { ca: api.server.caPem });
});
afterEach(() => session.destroy());

interface Sent {
  readonly stream: ClientHttp2Stream;
  readonly answered: Promise<{ status: number; headers: Record<string, unknown> }>;
}

/** On one connection requests arrive in the order in which they are sent. */
function send(token: string, path: string, body?: string): Sent {
  const stream = session.request({
    ':method': body === undefined ? 'GET' : 'POST',
    ':path': path,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  });
  if (body === undefined) stream.end();
  else stream.write(body);
  stream.resume();
  const answered = new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('response', (headers) => resolve({ status: Number(headers[':status']), headers }));
  });
  answered.catch(() => {});
  return { stream, answered };
}

/** Takes the one seat until its body has come. */
function hold(name: string): Sent {
  const whole = JSON.stringify(configMap(name));
  const sent = send('flood', MAPS, whole.slice(0, 5));
  return { ...sent, stream: sent.stream };
}
const finish = (held: Sent, name: string): void => void held.stream.end(JSON.stringify(configMap(name)).slice(5));

test('whoever asks for little is served after one request of the flood, not after all of it', async () => {
  const order: string[] = [];
  const note = ({ answered }: Sent, who: string): Promise<unknown> => answered.then(() => order.push(who));
  const held = hold('first');
  const flood = Array.from({ length: MAY_WAIT }, () => note(send('flood', MAPS), 'flood'));
  const calm = note(send('calm', MAPS), 'calm');
  const third = note(send('third', MAPS), 'third');
  finish(held, 'first');
  expect((await held.answered).status).toBe(201);
  await Promise.all([...flood, calm, third]);
  expect(order).toHaveLength(MAY_WAIT + 2);
  // A turn each.
  expect(order.indexOf('calm')).toBeLessThanOrEqual(2);
  expect(order.indexOf('third')).toBeLessThanOrEqual(3);
});

test('a flood beyond its queue is told to come back, and nobody else is', async () => {
  const held = hold('second');
  const flood = Array.from({ length: MAY_WAIT + 10 }, () => send('flood', MAPS));
  const calm = send('calm', MAPS);
  const refused = await Promise.all(flood.slice(MAY_WAIT).map(({ answered }) => answered));
  for (const { status, headers } of refused) {
    expect(status).toBe(429);
    expect(headers['retry-after']).toBe('1');
  }
  finish(held, 'second');
  expect((await calm.answered).status).toBe(200);
  for (const { answered } of flood.slice(0, MAY_WAIT)) expect((await answered).status).toBe(200);
});

test('administrators, health, and what lasts are never held up', async () => {
  const held = hold('third');
  expect((await send('flood', `${MAPS}?watch=true&timeoutSeconds=1`).answered).status).toBe(200);
  expect((await send('flood', '/livez').answered).status).toBe(200);
  expect((await send(api.server.adminToken, MAPS).answered).status).toBe(200);
  // Another level has seats of its own.
  const node = await send(api.server.adminToken, `${FLOW}/flowschemas/system-nodes`).answered;
  expect(node.status).toBe(200);
  finish(held, 'third');
  expect((await held.answered).status).toBe(201);
});

test('who goes away gives up the turn', async () => {
  const held = hold('fourth');
  const gone = Array.from({ length: MAY_WAIT }, () => send('flood', MAPS));
  await Promise.all(
    gone.map(({ stream }) => {
      const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
      stream.close();
      return closed;
    }),
  );
  const again = send('flood', MAPS);
  finish(held, 'fourth');
  expect((await again.answered).status).toBe(200);
});

test('an answer names what the request fell under', async () => {
  const uid = async (path: string): Promise<unknown> => at(await api.ok('GET', `${FLOW}/${path}`), 'metadata', 'uid');
  const { headers } = await api.call('GET', MAPS, { token: 'calm' });
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(await uid('flowschemas/global-default'));
  expect(headers['x-kubernetes-pf-prioritylevel-uid']).toBe(await uid('prioritylevelconfigurations/global-default'));
});

test('what every cluster has is there, comes back, and is printed', async () => {
  const table = async (path: string): Promise<unknown[][]> => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { rows } = (await api.ok('GET', `${FLOW}/${path}`, { accept })) as { rows: { cells: unknown[] }[] };
    return rows.map(({ cells }) => cells);
  };
  expect((await table('flowschemas/service-accounts'))[0]?.filter((_, column) => column !== 4)).toEqual([
    'service-accounts',
    'workload-low',
    9000,
    'ByUser',
    'False',
  ]);
  expect((await table('prioritylevelconfigurations/workload-low'))[0]?.slice(0, 6)).toEqual([
    'workload-low',
    'Limited',
    '100',
    '128',
    '6',
    '50',
  ]);
  const watch = await api.watch(`${FLOW}/flowschemas?watch=true&fieldSelector=metadata.name%3Dcatch-all`);
  await watch.next();
  await api.ok('DELETE', `${FLOW}/flowschemas/catch-all`);
  const types: string[] = [];
  while (!types.includes('ADDED')) types.push((await watch.next()).type);
  watch.close();
});

test('a schema of one’s own decides, and says when its level is missing', async () => {
  const schema = (level: string): Json => ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: 'calm-ones' },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: 50,
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'calm' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
        },
      ],
    },
  });
  const watch = await api.watch(`${FLOW}/flowschemas?watch=true&fieldSelector=metadata.name%3Dcalm-ones`);
  const made = await api.ok('POST', `${FLOW}/flowschemas`, { body: schema('none') });
  let dangling: unknown;
  while (dangling !== 'True') dangling = at((await watch.next()).object, 'status', 'conditions', 0, 'status');
  watch.close();
  await api.ok('PUT', `${FLOW}/flowschemas/calm-ones`, { body: schema('exempt') });
  const held = hold('fifth');
  const { status, headers } = await send('calm', MAPS).answered;
  expect(status).toBe(200);
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(at(made, 'metadata', 'uid'));
  finish(held, 'fifth');
  await held.answered;
});
