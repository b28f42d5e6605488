// Connections to ports of a pod: in a network namespace of its own, and at its address on the loopback device.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { podDialer } from './dial-pod.ts';

const SERVER = `require('net').createServer({ allowHalfOpen: true }, (socket) => {
  let all = '';
  socket.on('data', (data) => { all += data; });
  socket.on('end', () => socket.end('echo ' + all));
}).listen(8080, process.argv[1], () => console.log('ready'))`;

function obstacle(): string | undefined {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'network namespaces need root, unshare and ip';
  }
}

describe.runIf(kernelAllows(obstacle(), 'port-forward into a network namespace'))('a pod in a namespace', () => {
  const name = `evenkeel-dial-${process.pid}`;
  const file = `/run/netns/${name}`;
  let servers: ChildProcess[] = [];

  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', name]);
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    const start = async (address: string): Promise<ChildProcess> => {
      const server = spawn('nsenter', [`--net=${file}`, process.execPath, '-e', SERVER, address]);
      await once(server.stdout, 'data');
      return server;
    };
    servers = [await start('127.0.0.1')];
  });
  afterAll(() => {
    for (const server of servers) server.kill('SIGKILL');
    execFileSync('ip', ['netns', 'del', name]);
  });

  test('its localhost is reached, with half close, and many at a time', async () => {
    const dialer = podDialer({ podIps: ['10.0.0.1'], netns: file });
    try {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const socket = await dialer.dial(8080);
          socket.end(`${index}`.repeat(50_000));
          return (await text(socket)).length - 'echo '.length;
        }),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`.length * 50_000));
    } finally {
      dialer.close();
    }
  });

  test('a port that nobody listens on is said to be refused', async () => {
    const dialer = podDialer({ podIps: [], netns: file });
    await expect(dialer.dial(9)).rejects.toThrow(/ECONNREFUSED.*127\.0\.0\.1:9/);
    dialer.close();
  });

  test('a namespace that is gone is said to be so', async () => {
    const dialer = podDialer({ podIps: [], netns: '/run/netns/evenkeel-never-was' });
    await expect(dialer.dial(80)).rejects.toThrow(/cannot enter the pod's network/);
    dialer.close();
  });
});

test('a pod without a namespace is dialled at its address', async () => {
  const server = createServer((socket) => socket.end('here')).listen(0, '127.99.98.97');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const dialer = podDialer({ podIps: ['127.99.98.97'] });
  expect(await text(await dialer.dial(port))).toBe('here');
  server.close();
  await once(server, 'close');
  await expect(dialer.dial(port)).rejects.toThrow(/ECONNREFUSED 127\.99\.98\.97/);
});
