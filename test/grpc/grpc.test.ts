// gRPC through the gateway with grpc-js on both ends, unmodified: every kind of call, and how calls go wrong.
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { EchoClient, type EchoServer, echoServer } from './echo-service.ts';

const gateways = new Gateways();
let gateway: TestGateway;
let client: EchoClient;
let servers: EchoServer[];

beforeAll(async () => {
  servers = await Promise.all([echoServer(), echoServer(), echoServer(), echoServer()]);
  const [first, second, third, alone] = servers.map(({ address }) => `'${address}'`);
  gateway = await gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0 }
virtualHosts:
  all:
    hostname: '*'
    routes:
      - { path: /test.Echo, action: echo }
      - { path: /one, action: one }
      - { path: /gone, action: gone }
clusters:
  echo: { upstreamProtocol: http2, policy: round_robin, endpoints: [${first}, ${second}, ${third}] }
  one: { upstreamProtocol: http2, endpoints: [${alone}] }
  gone: { upstreamProtocol: http2, endpoints: ['127.0.0.1:1'] }
`);
  client = new EchoClient(gateway.url('web').replace('http://', ''));
});
afterAll(async () => {
  client?.close();
  for (const server of servers ?? []) server.close();
  await gateways.close();
});

const cancelled = (): number => servers.reduce((sum, server) => sum + server.cancelled, 0);

describe('calls', () => {
  it('unary, small and of several megabytes', async () => {
    expect((await client.unary('hello')).value).toBe('hello');
    const large = 'x'.repeat(5_000_000);
    expect((await client.unary(large)).value).toBe(large);
  });

  it('with metadata both ways, binary too', async () => {
    const metadata = new Metadata();
    metadata.set('x-sent', 'yes');
    metadata.set('data-bin', Buffer.from([0, 255, 10, 13]));
    const { metadata: got } = await client.unary('hello', { metadata });
    expect(got?.get('x-sent')).toEqual(['yes']);
    expect(got?.get('data-bin')).toEqual([Buffer.from([0, 255, 10, 13])]);
  });

  it('with a stream of requests', async () => {
    expect(await client.collect(['a', 'b', 'c'])).toBe('abc');
    expect(await client.collect([])).toBe('');
  });

  it('with a stream of answers, read slowly or not', async () => {
    const got: string[] = [];
    for await (const part of client.repeat('w*2000')) got.push(part as string);
    expect(got).toEqual(Array.from({ length: 2000 }, (_, i) => `w${i}`));
  });

  it('with both streams, each answer before the next request', async () => {
    const call = client.chat();
    const answers: string[] = [];
    const said = ['one', 'two', 'three'];
    call.on('data', (part: string) => {
      answers.push(part);
      const next = said[answers.length];
      if (next === undefined) call.end();
      else call.write(next);
    });
    call.write(said[0] as string);
    await new Promise((resolve, reject) => call.on('end', resolve).on('error', reject));
    expect(answers).toEqual(['ONE', 'TWO', 'THREE']);
  });

  it('a hundred at once, spread over all backends from one connection', async () => {
    const before = servers.map(({ calls }) => calls);
    await Promise.all(Array.from({ length: 99 }, (_, i) => client.unary(`${i}`)));
    const shares = servers.slice(0, 3).map(({ calls }, i) => calls - (before[i] as number));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(99);
    for (const share of shares) expect(share).toBeGreaterThanOrEqual(30);
  });
});

describe('a call that goes wrong', () => {
  it('keeps the status and the message of the backend', async () => {
    for (const code of [status.NOT_FOUND, status.UNAVAILABLE, status.DATA_LOSS]) {
      await expect(client.unary(`fail:${code}`)).rejects.toMatchObject({
        code,
        details: 'Asked to fail: 100 %, très bien',
      });
    }
  });

  it('is UNIMPLEMENTED where there is no route', async () => {
    const call = client.makeUnaryRequest(
      '/nowhere/Call',
      (value: string) => Buffer.from(value),
      (bytes) => bytes.toString(),
      'x',
      () => {},
    );
    const end = await new Promise((resolve) => call.on('status', resolve));
    expect(end).toMatchObject({ code: status.UNIMPLEMENTED, details: 'No route for this host and path' });
  });

  it('is UNAVAILABLE where no backend answers', async () => {
    const call = client.makeUnaryRequest(
      '/gone/Call',
      (value: string) => Buffer.from(value),
      (bytes) => bytes.toString(),
      'x',
      () => {},
    );
    const end = await new Promise((resolve) => call.on('status', resolve));
    expect(end).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('ends at the backend when the client cancels it', async () => {
    const before = cancelled();
    const calls = servers.reduce((sum, server) => sum + server.calls, 0);
    let cancel: () => void = () => {};
    const waiting = client.unary('wait', {
      onCall: (call) => {
        cancel = () => call.cancel();
      },
    });
    const failed = expect(waiting).rejects.toMatchObject({ code: status.CANCELLED });
    await eventually('the call has arrived', () =>
      expect(servers.reduce((sum, server) => sum + server.calls, 0)).toBe(calls + 1),
    );
    cancel();
    await failed;
    await eventually('the backend has heard of it', () => expect(cancelled()).toBe(before + 1));
  });

  it('ends everywhere at its deadline', async () => {
    const before = cancelled();
    await expect(client.unary('wait', { deadline: 300 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await eventually('the backend has heard of it', () => expect(cancelled()).toBe(before + 1));
  });

  it('counts as failed for its backend, though its HTTP status is 200', async () => {
    await expect(client.unary(`fail:${status.UNAVAILABLE}`)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const metrics = await (await fetch(`${gateway.url('admin')}/metrics`)).text();
    expect(metrics).toMatch(/evenkeel_upstream_requests_total\{cluster="echo",endpoint="[^"]+",outcome="5xx"\} [1-9]/);
  });
});
