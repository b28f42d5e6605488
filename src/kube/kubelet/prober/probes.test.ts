// The four ways to probe, against real servers.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createTestAuthority } from '#kube/apiserver/testing.ts';
import { systemClock } from '#lib/clock.ts';
import { execCommand } from '../process/exec.ts';
import { execProbe } from './exec-probe.ts';
import { decodeHealthStatus, encodeHealthRequest, grpcProbe } from './grpc-probe.ts';
import { httpProbe } from './http-probe.ts';
import { runProbe } from './probe-runner.ts';
import { tcpProbe } from './tcp-probe.ts';

const HOST = '127.0.0.1';
const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listen(server: Server | Http2Server): Promise<number> {
  open.push(server);
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

const serve = (handler: RequestListener): Promise<number> => listen(createServer(handler));

async function closedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const target = (port: number, rest: object = {}) => ({
  scheme: 'http' as const,
  host: HOST,
  port,
  path: '/ok',
  headers: [],
  ...rest,
});

/** The machine has no time for this process: nothing is read, and no timer is called. */
function stall(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('a kubelet that gets no time for longer than the timeout', () => {
  test.each([
    ['HTTP', (port: number) => httpProbe(target(port), 300, systemClock)],
    ['TCP', (port: number) => tcpProbe(HOST, port, 300, systemClock)],
  ])('does not take it for a failure of the pod: %s', async (_what, probe) => {
    const port = await serve((_request, response) => response.end());
    const result = probe(port);
    await new Promise(setImmediate);
    stall(500);
    expect(await result).toMatchObject({ outcome: 'success' });
  });
});

describe('HTTP', () => {
  test.each([
    [200, 'success', ''],
    [204, 'success', ''],
    [399, 'success', ''],
    [400, 'failure', 'HTTP probe failed with statuscode: 400'],
    [503, 'failure', 'HTTP probe failed with statuscode: 503'],
  ])('%i is %s', async (status, outcome, output) => {
    const port = await serve((_request, response) => response.writeHead(status).end());
    expect(await httpProbe(target(port), 1000, systemClock)).toMatchObject({ outcome, output });
  });

  test('sends the headers of the probe, and Host among them', async () => {
    const seen: Record<string, unknown>[] = [];
    const port = await serve((request, response) => {
      seen.push({ ...request.headers, path: request.url });
      response.end();
    });
    const headers = [
      { name: 'Host', value: 'shop.local' },
      { name: 'X-Probe', value: 'yes' },
    ];
    await httpProbe(target(port, { headers, path: 'deep?x=1' }), 1000, systemClock);
    expect(seen).toEqual([
      {
        host: 'shop.local',
        'x-probe': 'yes',
        'user-agent': 'kube-probe/1.36',
        accept: '*/*',
        connection: 'close',
        path: '/deep?x=1',
      },
    ]);
  });

  test('follows a redirect to the same host, and takes one elsewhere for success', async () => {
    const port = await serve((request, response) => {
      const location = request.url === '/away' ? 'http://elsewhere.invalid/' : '/broken';
      if (request.url === '/broken') response.writeHead(500).end();
      else response.writeHead(302, { location }).end();
    });
    expect(await httpProbe(target(port), 1000, systemClock)).toMatchObject({ outcome: 'failure' });
    expect(await httpProbe(target(port, { path: '/away' }), 1000, systemClock)).toMatchObject({ outcome: 'success' });
  });

  test('over TLS no certificate is checked', async () => {
    const { certPem, keyPem } = await (await createTestAuthority()).issue('CN=somebody-else', true);
    const port = await listen(
      createHttpsServer({ cert: certPem, key: keyPem }, (_request, response) => response.end()),
    );
    expect(await httpProbe(target(port, { scheme: 'https' }), 1000, systemClock)).toMatchObject({ outcome: 'success' });
    expect(await httpProbe(target(port), 1000, systemClock)).toMatchObject({ outcome: 'failure' });
  });

  test('a refused connection and a silent server are failures in upstream words', async () => {
    const port = await closedPort();
    expect(await httpProbe(target(port), 1000, systemClock)).toEqual({
      outcome: 'failure',
      output: `Get "http://${HOST}:${port}/ok": dial tcp ${HOST}:${port}: connect: connection refused`,
      refused: true,
    });
    const silent = await serve(() => {});
    const result = await httpProbe(target(silent), 50, systemClock);
    expect(result.output).toBe(
      `Get "http://${HOST}:${silent}/ok": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
  });
});

describe('TCP', () => {
  test('an open port is success, a closed one failure', async () => {
    const port = await listen(createTcpServer());
    expect(await tcpProbe(HOST, port, 1000, systemClock)).toMatchObject({ outcome: 'success' });
    const closed = await closedPort();
    expect(await tcpProbe(HOST, closed, 1000, systemClock)).toEqual({
      outcome: 'failure',
      output: `dial tcp ${HOST}:${closed}: connect: connection refused`,
      refused: true,
    });
  });
});

describe('gRPC', () => {
  const grpc = (answer: (stream: ServerHttp2Stream, body: Buffer) => void): Promise<number> => {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => answer(stream, Buffer.concat(chunks)));
    });
    return listen(server);
  };
  const reply = (stream: ServerHttp2Stream, message: number[]): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  };

  test('SERVING is success, and the service is asked by name', async () => {
    const asked: Buffer[] = [];
    const port = await grpc((stream, body) => {
      asked.push(body);
      reply(stream, [0x08, 1]);
    });
    expect(await grpcProbe(HOST, port, 'shop.Cart', 1000, systemClock)).toMatchObject({ outcome: 'success' });
    expect(asked[0]).toEqual(Buffer.from('\0\0\0\0\x0b\x0a\x09shop.Cart', 'latin1'));
  });

  test('NOT_SERVING, an unknown service and a server without health are failures', async () => {
    const sick = await grpc((stream) => reply(stream, [0x08, 2]));
    expect(await grpcProbe(HOST, sick, '', 1000, systemClock)).toMatchObject({
      outcome: 'failure',
      output: 'service unhealthy (responded with "NOT_SERVING")',
    });
    const without = await grpc((stream) =>
      stream.respond({ ':status': 200, 'grpc-status': '12', 'grpc-message': 'unknown' }, { endStream: true }),
    );
    expect((await grpcProbe(HOST, without, '', 1000, systemClock)).output).toContain(
      'does not implement the grpc health protocol',
    );
    expect((await grpcProbe(HOST, await closedPort(), '', 1000, systemClock)).refused).toBe(true);
  });

  test('messages are framed as protobuf wants', () => {
    expect(encodeHealthRequest('')).toEqual(Buffer.alloc(5));
    expect(encodeHealthRequest('x'.repeat(200)).subarray(0, 8)).toEqual(
      Buffer.from([0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01]),
    );
    expect(decodeHealthStatus(Buffer.from([0, 0, 0, 0, 0]))).toBe(0);
    expect(decodeHealthStatus(Buffer.from([0, 0, 0]))).toBeUndefined();
  });
});

describe('exec', () => {
  const running = {
    exec: (command: readonly string[], timeoutMs: number) =>
      execCommand(
        command,
        { env: { PATH: process.env.PATH ?? '', WORD: 'hello' }, workingDir: '/', timeoutMs },
        systemClock,
      ),
  };

  test('exit code 0 is success; anything else fails with the output', async () => {
    expect(await execProbe(running, ['sh', '-c', 'echo $WORD'], 5000)).toEqual({
      outcome: 'success',
      output: 'hello\n',
    });
    expect(await execProbe(running, ['sh', '-c', 'echo no >&2; exit 7'], 5000)).toMatchObject({
      outcome: 'failure',
      output: 'no\n',
    });
    expect(await execProbe(running, ['no-such-program'], 5000)).toMatchObject({
      outcome: 'failure',
      output: 'exec: "no-such-program": executable file not found in $PATH',
    });
  });

  test('a command that takes too long is killed with what it started', async () => {
    const result = await execProbe(running, ['sh', '-c', 'sleep 60 & sleep 60'], 100);
    expect(result).toMatchObject({
      outcome: 'failure',
      output: 'command timed out: "sh -c sleep 60 & sleep 60" timed out after 0.1s',
    });
  });

  test('a port name that the container has not is an unknown result', async () => {
    const subject = { container: { name: 'main' }, podIp: HOST, running };
    expect(await runProbe({ tcpSocket: { port: 'web' } }, subject, systemClock)).toMatchObject({ outcome: 'unknown' });
  });
});
