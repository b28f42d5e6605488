// The edge of the server: who is let in, discovery, OpenAPI, HTTP/2, errors, closing.
// Knows the server by its URL only.
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { startTestServer } from '../testing.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('authentication', () => {
  it('forbids strangers everything but health and version', async () => {
    for (const path of ['/api', '/openapi/v2', '/nothing']) {
      const { code, body } = await api.call('GET', path, { token: null });
      expect(code).toBe(403);
      expect(body).toMatchObject({
        kind: 'Status',
        reason: 'Forbidden',
        message: `forbidden: User "system:anonymous" cannot get path "${path}"`,
        details: {},
      });
    }
    const wrong = await api.call('GET', '/api', { token: 'wrong' });
    expect(wrong.code).toBe(401);
    expect(wrong.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' });
    for (const path of ['/healthz', '/livez', '/readyz']) {
      expect((await api.call('GET', path, { token: null })).body.text).toBe('ok');
    }
    expect((await api.call('GET', '/version', { token: null })).body).toMatchObject({ major: '1', minor: '36' });
  });

  it('takes the name and groups from a client certificate', async () => {
    const { certPem, keyPem } = await api.server.issueClient('system:node:n1', ['system:nodes']);
    const agent = new Agent({ connect: { ca: api.server.caPem, cert: certPem, key: keyPem } });
    const { statusCode, body } = await request(`${api.server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
    });
    expect(statusCode).toBe(201);
    expect(at(await body.json(), 'status', 'userInfo')).toEqual({
      username: 'system:node:n1',
      groups: ['system:nodes', 'system:authenticated'],
    });
    await agent.close();
  });

  it('knows the certificate over HTTP/2 and on a resumed session too', async () => {
    const { certPem, keyPem } = await api.server.issueClient('kubelet', ['system:nodes']);
    const tls = { ca: api.server.caPem, cert: certPem, key: keyPem };
    const status = (session: ClientHttp2Session): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': '/api' });
        stream.once('error', reject);
        stream.once('response', (headers) => resolve(headers[':status']));
        stream.resume();
      });
    const first = connectHttp2(api.server.url, tls);
    const ticket = new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve));
    expect(await status(first)).toBe(200);
    expect(await status(first)).toBe(200);
    const second = connectHttp2(api.server.url, { ...tls, session: await ticket });
    expect(await status(second)).toBe(200);
    expect((second.socket as TLSSocket).isSessionReused()).toBe(true);
    first.destroy();
    second.destroy();
  });

  it('does not take the certificate of another authority', async () => {
    const other = await startTestServer();
    const { certPem, keyPem } = await other.issueClient('admin', ['system:masters']);
    const agent = new Agent({ connect: { ca: api.server.caPem, cert: certPem, key: keyPem } });
    const answer = await request(`${api.server.url}/api`, { dispatcher: agent });
    expect(answer.statusCode).toBe(401);
    await answer.body.dump();
    await agent.close();
    await other.close();
  });

  it('lets its administrators do everything, and says so', async () => {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'create', resource: 'pods' } },
    };
    const body = await api.ok('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: review });
    expect(at(body, 'status', 'allowed')).toBe(true);
    expect((await api.call('GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')).code).toBe(405);
  });
});

describe('discovery', () => {
  it('lists groups, versions and resources', async () => {
    expect((await api.ok('GET', '/api')).versions).toEqual(['v1']);
    const groups = (await api.ok('GET', '/apis')).groups as Json[];
    expect(groups.map((group) => group.name)).toContain('apps');
    expect(await api.ok('GET', '/apis/apps')).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1' } });
    const { resources } = (await api.ok('GET', '/apis/apps/v1')) as { resources: Json[] };
    expect(resources.find((resource) => resource.name === 'deployments')).toMatchObject({
      kind: 'Deployment',
      namespaced: true,
      shortNames: ['deploy'],
      categories: ['all'],
    });
    expect(resources.find((resource) => resource.name === 'deployments/scale')).toMatchObject({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'update', 'patch'],
    });
    expect((await api.call('GET', '/apis/nothing/v1')).code).toBe(404);
  });

  it('tells everything in one document when asked', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const { body, headers } = await api.call('GET', '/apis', { accept });
    expect(headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const apps = (body.items as Json[]).find((item) => at(item, 'metadata', 'name') === 'apps');
    expect(at(apps, 'versions', 0, 'version')).toBe('v1');
    expect(at(apps, 'versions', 0, 'resources', 0, 'subresources')).toHaveLength(2);
  });
});

describe('OpenAPI', () => {
  it('serves v3 by group version', async () => {
    const { paths } = await api.ok('GET', '/openapi/v3');
    const url = String(at(paths, 'apis/apps/v1', 'serverRelativeURL'));
    const { body, headers } = await api.call('GET', url);
    expect(headers['cache-control']).toContain('immutable');
    expect(at(body, 'components', 'schemas')).toHaveProperty(['io.k8s.api.apps.v1.Deployment']);
    expect((await api.call('GET', '/openapi/v3/apis/none/v1')).code).toBe(404);
  });

  it('serves v2 as JSON and as the protocol buffer old clients ask for', async () => {
    expect(await api.ok('GET', '/openapi/v2')).toMatchObject({ swagger: '2.0' });
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const { headers } = await api.call('GET', '/openapi/v2', { accept });
    expect(headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  });
});

describe('requests', () => {
  it('of unknown paths and methods are refused', async () => {
    for (const path of [
      '/api/v1/nothing',
      '/api/v1/namespaces/default/pods/p/nothing',
      '/api/v1/pods/name',
      '/x/%zz',
    ]) {
      const { code, body } = await api.call('GET', path);
      if (code === 400) expect(body.kind).toBe('Status');
      else expect({ code, ...body }).toEqual({ code: 404, text: '404 page not found\n' });
    }
    const body = { metadata: { name: 'odd' } };
    for (const [method, path] of [
      ['PUT', '/api/v1/namespaces/default/pods'],
      ['POST', '/api/v1/configmaps'],
      ['POST', '/api/v1/namespaces/default/configmaps/odd'],
      ['DELETE', '/api/v1/configmaps'],
      ['DELETE', '/api/v1/namespaces'],
    ] as const) {
      const wrong = await api.call(method, path, { body });
      expect(wrong, `${method} ${path}`).toMatchObject({ code: 405, body: { reason: 'MethodNotAllowed' } });
    }
  });

  it('reach no other resource by dots in the path', async () => {
    const session = connectHttp2(api.server.url, { ca: api.server.caPem });
    for (const path of ['/api/v1/namespaces/default/pods/%2e%2e', '/api/v1/namespaces/default/./pods', '/api/%2E%2e']) {
      const stream = session.request({ ':path': path, authorization: `Bearer ${api.server.adminToken}` });
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers[':status'], path).toBe(400);
      stream.close();
    }
    session.close();
  });

  it('may come over HTTP/2, many watches on one connection', async () => {
    const session = connectHttp2(api.server.url, { ca: api.server.caPem });
    const headers = { authorization: `Bearer ${api.server.adminToken}` };
    const first = (path: string): Promise<Json> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path, ...headers });
        stream.setEncoding('utf8');
        let text = '';
        stream.on('error', reject);
        stream.on('data', (chunk: string) => {
          text += chunk;
          const end = text.indexOf('\n');
          if (end < 0) return;
          resolve(JSON.parse(text.slice(0, end)) as Json);
          stream.close();
        });
      });
    const events = await Promise.all(
      Array.from({ length: 20 }, () => first('/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Ddefault')),
    );
    expect(events.map((event) => event.type)).toEqual(Array.from({ length: 20 }, () => 'ADDED'));
    session.destroy();
  });
});

describe('the listener', () => {
  it('names a port that is taken', async () => {
    await expect(startTestServer({ port: api.server.port })).rejects.toThrow(
      `Cannot serve the API on 127.0.0.1:${api.server.port}: the port is taken. Choose another API port`,
    );
  });

  it('closes although connections idle and watches stand', async () => {
    const server = await startTestServer();
    const idle = connect({ port: server.port, host: '127.0.0.1', ca: server.caPem });
    await new Promise((resolve) => idle.once('secureConnect', resolve));
    const session = connectHttp2(server.url, { ca: server.caPem });
    const stream = session.request({
      ':path': '/api/v1/pods?watch=true',
      authorization: `Bearer ${server.adminToken}`,
    });
    stream.resume();
    await new Promise((resolve) => stream.once('response', resolve));
    const ended = new Promise((resolve) => stream.once('end', resolve));
    const closed = new Promise((resolve) => idle.once('close', resolve));
    await server.close();
    await Promise.all([ended, closed]);
    expect(stream.rstCode).toBe(0);
    session.destroy();
  });
});
