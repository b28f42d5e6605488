// Traces over HTTP/2 on both sides, and of what never came to a backend, through the real engine.
import { connect } from 'node:http2';
import { afterEach, expect, it } from 'vitest';
import { type CollectedSpan, startCollector } from '#telemetry/traces/testing.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { http2Backend } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { exchange, httpBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function traced(model: ReturnType<typeof simpleModel>, ratio: number) {
  const collector = await startCollector();
  harness.after(() => collector.close());
  const traces = { url: collector.url, ratio, headers: {}, serviceName: 'edge', timeout: 5000 };
  const engine = await harness.engine({ traces });
  engine.publish(model);
  await engine.applied();
  return { collector, engine, port: portOf(engine) };
}

const byKind = (spans: readonly CollectedSpan[], kind: number): CollectedSpan | undefined =>
  spans.find((span) => span.kind === kind);

it('tells backends of HTTP/2, on behalf of clients of HTTP/2', async () => {
  const told: (string | undefined)[] = [];
  const backend = await harness.backend(
    http2Backend((stream, headers) => {
      told.push(headers.traceparent as string | undefined, headers.tracestate as string | undefined);
      stream.respond({ ':status': 200 });
      stream.end('ok');
    }),
  );
  const { collector, port } = await traced(simpleModel([backend.port], { upstreamProtocol: 'http2' }), 0);
  const session = connect(`http://127.0.0.1:${port}`);
  harness.after(async () => session.destroy());
  const stream = session.request({ ':path': '/a', traceparent: PARENT, tracestate: 'v=1' });
  await new Promise((resolve) => stream.on('end', resolve).resume());
  await expect.poll(() => collector.spans.length, { timeout: 5000 }).toBe(2);
  const [server, client] = [byKind(collector.spans, 2), byKind(collector.spans, 3)];
  expect(server).toMatchObject({ parentId: 'b7ad6b7169203331', attributes: { 'network.protocol.version': '2' } });
  expect(client?.parentId).toBe(server?.spanId);
  expect(told).toEqual([`00-${server?.traceId}-${client?.spanId}-01`, 'v=1']);
});

it('records every new trace at a ratio of 1, also of what no backend was asked for', async () => {
  const backend = await harness.backend(httpBackend((_request, response) => response.end('ok')));
  const path = { path: { type: 'prefix', value: '/known' } } as const;
  const { collector, engine, port } = await traced(simpleModel([backend.port], {}, path), 1);
  const ask = (target: string, method = 'GET'): Promise<string> =>
    exchange(port, `${method} ${target} HTTP/1.1\r\nHost: a.test:81\r\nConnection: close\r\n\r\n`);
  await ask('/none?token=secret');
  await expect.poll(() => collector.spans.length, { timeout: 5000 }).toBe(1);
  expect(collector.spans[0]).toMatchObject({
    name: 'GET',
    parentId: '',
    attributes: {
      'url.path': '/none',
      'http.response.status_code': 404,
      'server.address': 'a.test',
      'server.port': 81,
    },
  });
  await ask('/known', 'BREW');
  await expect.poll(() => collector.spans.length, { timeout: 5000 }).toBe(3);
  expect(byKind(collector.spans.slice(1), 2)).toMatchObject({
    name: 'HTTP /known',
    attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' },
  });
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(2);
  await expect.poll(() => engine.metricsText()).toContain('evenkeel_trace_spans_exported_total 3\n');
});
