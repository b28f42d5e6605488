// HTTPRoutes that ask an authorisation service, by HTTP and by gRPC: who passes, with what, and who does not.
// Knows the API from the outside; the services are servers of the test.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type GrpcAuthoriser,
  grpcAuthoriser,
  type HttpAuthoriser,
  type HttpVerdict,
  httpAuthoriser,
} from '../support/authorisers.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { type HttpApp, httpApp, type Seen } from './http-app.ts';
import { addressOf, answers, gateway, httpRoute, routeTells, serviceOf } from './kit.ts';

const auth = (protocol: 'HTTP' | 'GRPC', name: string, more = ''): string =>
  `{ type: ExternalAuth, externalAuth: { protocol: ${protocol}, backendRef: { name: ${name}, port: 80 }${more} } }`;
const rule = (path: string, filter = ''): string => `
    - matches: [{ path: { value: ${path} } }]
      filters: [${filter}]
      backendRefs: [{ name: app, port: 80 }]`;

describe('ExternalAuth', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  let app: HttpApp;
  let byHttp: HttpAuthoriser;
  let byGrpc: GrpcAuthoriser;
  let url: string;

  beforeAll(async () => {
    app = await httpApp('app');
    byHttp = await httpAuthoriser(
      ({ headers }): HttpVerdict =>
        headers.authorization === 'ann'
          ? { status: 200, headers: { 'x-user': 'ann' } }
          : { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: 'who are you?' },
    );
    byGrpc = await grpcAuthoriser(({ headers, body }) =>
      headers.authorization === 'ann'
        ? { code: 0, headers: [['x-user', `ann${body}`]], remove: ['authorization'] }
        : { code: 7, status: 429, body: 'not so often' },
    );
    const gone = await httpAuthoriser(() => ({ status: 200 }));
    await gone.close();
    const services = [
      serviceOf('app', app.port),
      serviceOf('http-guard', byHttp.port),
      serviceOf('grpc-guard', byGrpc.port),
      serviceOf('gone', gone.port),
      serviceOf('other', byHttp.port, '', 'kube-public'),
    ].join('');
    const http = ', http: { path: /check, allowedResponseHeaders: [x-user] }, forwardBody: { maxSize: 20 }';
    const routes = [
      httpRoute(
        'guarded',
        '{ name: shop }',
        [
          rule('/open'),
          rule('/http', auth('HTTP', 'http-guard', http)),
          rule('/grpc', auth('GRPC', 'grpc-guard', ', grpc: {}, forwardBody: { maxSize: 20 }')),
          rule('/gone', auth('HTTP', 'gone', ', http: {}')),
        ].join(''),
      ),
      httpRoute(
        'foreign',
        '{ name: shop }',
        rule('/foreign', auth('HTTP', 'other, namespace: kube-public', ', http: {}')),
      ),
    ];
    const listener = '{ name: http, protocol: HTTP, port: 8080 }';
    cluster = await startCluster(['-'], {
      input: `${services.slice(4)}${gateway('shop', listener)}${routes.join('')}`,
    });
    url = `http://${await addressOf(cluster, 'shop')}:8080`;
    await answers(`${url}/open`, 200);
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    app?.close();
    await byHttp?.close();
    await byGrpc?.close();
  }, 30_000);

  const send = (path: string, question: Question = {}): Promise<Answer> => ask(`${url}${path}`, question);
  const ann = { headers: { authorization: 'ann', 'x-user': 'root' } };

  test('by HTTP: who may pass reaches the backend, which is told who it is', async () => {
    const answer = await send('/http/a?b=c', { ...ann, method: 'POST', body: 'hello' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text) as Seen).toMatchObject({ path: '/http/a?b=c', headers: { 'x-user': 'ann' } });
    expect(byHttp.asked.at(-1)).toMatchObject({ method: 'POST', path: '/check/http/a?b=c', body: '"hello"' });
    expect((await send('/http/a', { ...ann, method: 'POST', body: 'x'.repeat(30) })).status).toBe(413);
  });

  test('by HTTP: who may not gets the answer of the service, and the backend hears nothing', async () => {
    const answer = await send('/http/denied');
    expect(answer).toMatchObject({ status: 401, text: 'who are you?', headers: { 'www-authenticate': 'Bearer' } });
    expect(app.seen.get('/http/denied')).toBeUndefined();
  });

  test('by gRPC: the same, with what the service sets and removes', async () => {
    const answer = await send('/grpc/a', { ...ann, method: 'POST', body: 1 });
    const { headers } = JSON.parse(answer.text) as Seen;
    expect(headers['x-user']).toBe('ann1');
    expect(headers).not.toHaveProperty('authorization');
    expect(byGrpc.asked.at(-1)).toMatchObject({ method: 'POST', path: '/grpc/a', scheme: 'http', body: '1' });
    expect(await send('/grpc/denied')).toMatchObject({ status: 429, text: 'not so often' });
    expect(app.seen.get('/grpc/denied')).toBeUndefined();
  });

  test('nobody passes while the service is down, and routes without the filter feel nothing', async () => {
    expect((await send('/gone/a', ann)).status).toBe(403);
    expect(app.seen.get('/gone/a')).toBeUndefined();
    expect((await send('/open')).status).toBe(200);
  });

  test('a service of another namespace is asked only where a ReferenceGrant allows it', async () => {
    expect((await answers(`${url}/foreign/a`, 500, ann)).status).toBe(500);
    expect(await routeTells(cluster, 'HTTPRoute', 'foreign', 'ResolvedRefs', 'RefNotPermitted')).toContain(
      'Service "kube-public/other" is in another namespace',
    );
    await cluster.apply(grant);
    expect((await answers(`${url}/foreign/a`, 200, ann)).status).toBe(200);
  });
});

const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: guards, namespace: kube-public }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: "", kind: Service, name: other }]
`;
