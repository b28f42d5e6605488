// What a gateway tells of single requests: spans for a collector, exemplars beside its metrics, lines of its log.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CollectedSpan, type Collector, startCollector } from '#telemetry/traces/testing.ts';
import { eventually } from '#test/support/eventually.ts';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { evenkeel, run } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const configOf = (good: string, dead: number, more = ''): string => `
listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts:
  all:
    hostname: "*"
    routes:
      - { path: /dead, action: dead }
      - { path: /shop, action: good }
clusters:
  good: { endpoints: ["${good}"] }
  # One of two takes no connection: the other one answers.
  dead: { policy: round_robin, endpoints: ["127.0.0.1:${dead}", { address: 127.0.0.1, port: ${good.split(':')[1]}, pod: shop/web-1 }] }
${more}`;

describe('traces', () => {
  const gateways = new Gateways();
  const seen: NodeJS.Dict<string | string[]>[] = [];
  let collector: Collector;
  let gateway: TestGateway;
  let web: string;

  beforeAll(async () => {
    collector = await startCollector();
    const good = await gateways.backend((request, response) => {
      seen.push(request.headers);
      response.writeHead(request.url?.startsWith('/shop/broken') ? 500 : 200).end('ok');
    });
    const traces = `traces: { url: "${collector.url}", ratio: 0, headers: { x-key: k }, serviceName: edge }\n`;
    gateway = await gateways.start(configOf(good, await freePort(), traces));
    web = gateway.url('web');
  }, 40_000);
  afterAll(async () => {
    await gateways.close();
    await collector?.close();
  });

  const context = (flags: string): Record<string, string> => ({
    traceparent: `00-${TRACE}-${PARENT}-${flags}`,
    tracestate: 'vendor=1',
  });

  async function spansOf(path: string, headers: Record<string, string>, count: number): Promise<CollectedSpan[]> {
    collector.spans.length = 0;
    seen.length = 0;
    await ask(`${web}${path}`, { headers });
    return await eventually('the spans are there', () => {
      if (collector.spans.length < count) throw new Error(`${collector.spans.length} spans`);
      return collector.spans;
    });
  }

  test('of a caller go on: one span for the request, one for its try, and the backend is told of the try', async () => {
    const spans = await spansOf('/shop/cart?token=secret', { ...context('01'), 'user-agent': 'me' }, 2);
    const server = spans.find(({ kind }) => kind === 2) as CollectedSpan;
    const client = spans.find(({ kind }) => kind === 3) as CollectedSpan;
    expect(server).toMatchObject({ service: 'edge', traceId: TRACE, parentId: PARENT, name: 'GET /shop', status: 0 });
    expect(client).toMatchObject({
      traceId: TRACE,
      parentId: server.spanId,
      name: 'GET',
      status: 0,
      state: 'vendor=1',
    });
    expect(server.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/shop',
      'url.path': '/shop/cart',
      'url.scheme': 'http',
      'client.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'user_agent.original': 'me',
    });
    expect(client.attributes).toMatchObject({ 'http.response.status_code': 200, 'server.address': '127.0.0.1' });
    expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain('secret');
    expect(server.startNanos).toBeLessThanOrEqual(client.startNanos);
    expect(server.endNanos).toBeGreaterThanOrEqual(client.endNanos);
    expect(Math.abs(Number(server.startNanos / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    expect(seen).toMatchObject([{ traceparent: `00-${TRACE}-${client.spanId}-01`, tracestate: 'vendor=1' }]);
    expect(collector.requests[0]?.headers['x-key']).toBe('k');
  });

  test('show each try, and what failed', async () => {
    let spans: CollectedSpan[] = [];
    // Round robin: one of two begins with the dead one.
    await eventually('a request met the dead endpoint', async () => {
      spans = [...(await spansOf('/dead', context('01'), 2))];
      await eventually('all are there', () => expect(collector.spans.filter(({ kind }) => kind === 2)).toHaveLength(1));
      spans = [...collector.spans];
      expect(spans.filter(({ kind }) => kind === 3)).toHaveLength(2);
    });
    const tries = spans.filter(({ kind }) => kind === 3);
    expect(tries[0]).toMatchObject({ status: 2, attributes: { 'error.type': 'connect' } });
    expect(tries[0]?.attributes['http.response.status_code']).toBeUndefined();
    expect(tries[1]).toMatchObject({
      status: 0,
      attributes: { 'http.request.resend_count': 1, 'k8s.pod.name': 'web-1', 'k8s.namespace.name': 'shop' },
    });
    expect(seen[0]?.traceparent).toBe(`00-${TRACE}-${tries[1]?.spanId}-01`);
  });

  test('say that a request failed by its status', async () => {
    const spans = await spansOf('/shop/broken', context('01'), 2);
    for (const { status, attributes } of spans) expect([status, attributes['error.type']]).toEqual([2, '500']);
  });

  test('that the caller does not record are passed on as they are', async () => {
    collector.spans.length = 0;
    seen.length = 0;
    await ask(`${web}/shop`, { headers: context('00') });
    expect(seen).toMatchObject([context('00')]);
  });

  test('begin at the gateway where nobody called in one, recorded by the ratio', async () => {
    seen.length = 0;
    await ask(`${web}/shop`, { headers: { traceparent: '00-garbage', tracestate: 'vendor=1' } });
    // The ratio is 0 here: the trace goes on, unrecorded, so that nobody behind begins one of his own.
    expect(seen[0]?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(seen[0]?.tracestate).toBeUndefined();
    expect(collector.spans).toEqual([]);
  });

  test('are what exemplars of the latency lead to, which Prometheus can read', async () => {
    await spansOf('/shop', context('01'), 2);
    const headers = { accept: 'application/openmetrics-text' };
    const { text } = await ask(`${gateway.url('admin')}/metrics`, { headers });
    expect(text).toMatch(
      new RegExp(
        `^evenkeel_http_request_duration_seconds_bucket\\{.*\\} \\d+ # \\{trace_id="${TRACE}"\\} [\\d.e-]+ \\d+`,
        'm',
      ),
    );
    const plain = (await ask(`${gateway.url('admin')}/metrics`)).text;
    expect(plain).toMatch(/^evenkeel_trace_spans_exported_total [1-9]/m);
    if (hasTool('promtool', 'exemplars')) {
      expect((await run('promtool', ['check', 'metrics'], { input: plain })).stderr).toBe('');
    }
  });
});

describe('the access log', () => {
  const gateways = new Gateways();
  afterAll(() => gateways.close());

  test('says what the configuration picks, beside it, and goes on after its file was turned over', async () => {
    const good = await gateways.backend((_request, response) => response.end('ok'));
    const log = 'accessLog: { file: access.log, format: text, fields: [method, path, status, userAgent] }\n';
    const gateway = await gateways.start(configOf(good, 1, log));
    const file = join(gateways.dir, 'access.log');
    await ask(`${gateway.url('web')}/shop?a=1`, { headers: { 'user-agent': 'my agent' } });
    await eventually('a line', () => expect(readFileSync(file, 'utf8')).toBe('GET /shop?a=1 200 "my agent"\n'));
    renameSync(file, `${file}.1`);
    gateway.child.kill('SIGHUP');
    await eventually('the file is there again', () => expect(existsSync(file)).toBe(true));
    await ask(`${gateway.url('web')}/none`);
    await eventually('a line', () => expect(readFileSync(file, 'utf8')).toMatch(/^GET \/none 404 /));
    expect(readFileSync(`${file}.1`, 'utf8')).not.toContain('/none');
  }, 30_000);

  test('takes from the command line what it should say, and a share of the requests', async () => {
    const good = await gateways.backend((request, response) =>
      response.writeHead(request.url === '/shop/broken' ? 500 : 200).end(),
    );
    const file = join(gateways.dir, 'share.jsonl');
    const flags = ['--access-log', file, '--access-log-fields', 'status,path', '--access-log-ratio', '0'];
    const gateway = await gateways.start(configOf(good, 1), flags);
    await ask(`${gateway.url('web')}/shop`);
    await ask(`${gateway.url('web')}/shop/broken`);
    await eventually('the failure is there', () =>
      expect(readFileSync(file, 'utf8')).toBe('{"status":500,"path":"/shop/broken"}\n'),
    );
  }, 30_000);

  test.each<[string[], RegExp]>([
    [['--access-log', '-', '--access-log-fields', 'status,agent'], /no field "agent": pick of time, listener/],
    [['--access-log-ratio', '0.5'], /--access-log-ratio changes nothing.*--access-log/s],
    [['--access-log', '-', '--access-log-ratio', '2'], /from 0 to 1/],
    [['--traces', 'collector:4318'], /HTTP URL/],
    [['--trace-ratio', '1'], /--trace-ratio changes nothing.*--traces/s],
  ])('refuses %j', async (args, said) => {
    const { code, stderr } = await evenkeel(['gateway', '--config', '/nowhere', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(said);
  });

  test('names its fields in the help of gateway and of up', async () => {
    for (const command of ['gateway', 'up']) {
      const { stdout } = await evenkeel([command, '--help']);
      expect(stdout).toMatch(/durationMs +from the end of the request head/);
      expect(stdout).toMatch(/--traces <url>/);
    }
  });
});
