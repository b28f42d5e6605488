// Actions through the real admin server and engine: who may act, how, and what comes of it.
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Engine } from '#traffic/proxy/engine.ts';
import { Harness, portOf } from '#traffic/proxy/testing/harness.ts';
import { simpleModel } from '#traffic/proxy/testing/model.ts';
import { exchange, httpBackend } from '#traffic/proxy/testing/peers.ts';
import { DrainSwitch } from './drain-switch.ts';
import { startAdmin } from './server.ts';

const harness = new Harness();
let engine: Engine;
let url: string;
let port: number;

beforeEach(async () => {
  const web = await harness.backend(httpBackend((_request, response) => response.end('ok')));
  engine = await harness.engine({ workers: 2 });
  engine.publish(simpleModel([web.port]));
  await engine.applied();
  const drained = new DrainSwitch(engine, 1000, silentLogger);
  const admin = await startAdmin({
    address: '127.0.0.1',
    port: 0,
    engine,
    ready: () => !drained.on,
    drain: () => drained.begin(),
    log: silentLogger,
  });
  harness.after(() => admin.close());
  url = admin.url;
  port = web.port;
});
afterEach(() => harness.close());

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

/** `fetch` would not send the headers that a browser sends by itself. */
function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, text }),
      );
    });
    call.on('error', reject);
    call.end();
  });
}

const endpointPath = (verb: string): string => `/clusters/test/web/http/endpoints/127.0.0.1:${port}/${verb}`;
const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const state = async () => (await engine.clusters())[0]?.endpoints[0]?.state;

describe('draining an endpoint', () => {
  it('takes it out and puts it back, by its name as it is or escaped', async () => {
    expect(await send('POST', endpointPath('drain'))).toMatchObject({ status: 200 });
    expect(await state()).toBe('drained');
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 /);
    const escaped = `/clusters/test%2Fweb%2Fhttp/endpoints/127.0.0.1%3A${port}/undrain`;
    expect(await send('POST', escaped)).toMatchObject({ status: 200 });
    expect(await state()).toBe('healthy');
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('leads a button back to the page that it stands on', async () => {
    const page = (await send('GET', '/')).text;
    const action = /<form method="post" action="([^"]+)"><button>drain</.exec(page)?.[1] ?? '';
    const answer = await send('POST', action, { accept: 'text/html', origin: url, 'sec-fetch-site': 'same-origin' });
    expect(answer).toMatchObject({ status: 303, location: '/' });
    expect(await state()).toBe('drained');
  });

  it('says so when there is no such endpoint', async () => {
    const answer = await send('POST', '/clusters/test/web/http/endpoints/10.0.0.1:80/drain');
    expect(answer).toMatchObject({ status: 404, text: expect.stringMatching(/has no endpoint "10\.0\.0\.1:80"/) });
  });
});

describe('what changes something', () => {
  it.each([
    ['GET', {}, 405],
    ['HEAD', {}, 405],
    ['PUT', {}, 405],
    ['POST', { origin: 'https://elsewhere.example' }, 403],
    ['POST', { origin: 'null' }, 403],
    ['POST', { 'sec-fetch-site': 'cross-site' }, 403],
    ['POST', { 'sec-fetch-site': 'same-site' }, 403],
    ['POST', { host: 'rebound.example' }, 421],
  ])('is refused by %s with %j', async (method, headers, status) => {
    expect(await send(method, endpointPath('drain'), headers as Record<string, string>)).toMatchObject({ status });
    expect(await send(method, '/drain', headers as Record<string, string>)).toMatchObject({ status });
    expect(await state()).toBe('healthy');
    expect(await send('GET', '/readyz')).toMatchObject({ status: 200 });
  });
});

it('draining the gateway fails readiness and ends its listeners, and the admin server goes on', async () => {
  const gateway = portOf(engine);
  expect(await send('POST', '/drain')).toMatchObject({ status: 202 });
  expect(await send('GET', '/readyz')).toMatchObject({ status: 503 });
  await eventually('nobody is let in', () => expect(exchange(gateway, get)).resolves.toBe(''));
  // Asked twice, and when the process leaves: neither waits for what has ended.
  expect(await send('POST', '/drain')).toMatchObject({ status: 202 });
  await engine.drain(60_000);
  expect(await send('GET', '/clusters')).toMatchObject({ status: 200 });
});
