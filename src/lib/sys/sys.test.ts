// System calls tried on the machine itself: errors by name, sockets of other families, other namespaces, mounts.
// Knows none of those who need them.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { errnoName, failedWith, SystemCallError } from './errno.ts';
import { libcObstacle } from './libc.ts';
import { mountKernelFileSystem, mountPoints, unmount } from './mounts.ts';
import { inNetworkNamespace, namespaceFile } from './network-namespace.ts';
import { connectOn, descriptorOf, listenOn } from './node-streams.ts';
import {
  bindSocket,
  closeSocket,
  localAddress,
  openSocket,
  type Received,
  receiveAll,
  SOL_SOCKET,
  send,
  setSocketOption,
  socketOption,
} from './socket.ts';
import { decodeSocketAddress, encodeSocketAddress, type SocketAddress } from './socket-address.ts';
import { systemCall, trySystemCall } from './system-call.ts';
import { setTcpMd5Key } from './tcp-md5.ts';
import { addNamespace, ip, privilegedObstacle } from './testing.ts';

const LIBC = fileURLToPath(new URL('./libc.ts', import.meta.url));
const SO_RCVBUF = 8;

describe('socket addresses', () => {
  const addresses = fc.oneof(
    fc.record({
      family: fc.constant('inet' as const),
      address: fc.ipV4(),
      port: fc.nat(65_535),
    }),
    fc.record({ family: fc.constant('netlink' as const), port: fc.nat(0xffffffff), groups: fc.nat(0xffffffff) }),
    fc.record({
      family: fc.constant('packet' as const),
      protocol: fc.nat(65_535),
      link: fc.nat(0x7fffffff),
      hardware: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
  );

  it('come back as they went', () => {
    fc.assert(
      fc.property(addresses, (address: SocketAddress) => {
        expect(decodeSocketAddress(encodeSocketAddress(address))).toEqual(address);
      }),
    );
  });

  it('of IPv6 keep their scope', () => {
    const address = { family: 'inet' as const, address: 'fe80::1', port: 179, scope: 3 };
    expect(decodeSocketAddress(encodeSocketAddress(address))).toEqual(address);
  });

  it('in any bytes are read without a fault', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeSocketAddress(bytes)));
  });
});

describe('without koffi', () => {
  it('everything loads, and says what is missing', () => {
    const hide = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (name !== 'koffi') return next(name, context);
        throw Object.assign(new Error('not here'), { code: 'MODULE_NOT_FOUND' });
      } });`;
    const script = `const { libc, libcObstacle } = await import(${JSON.stringify(LIBC)});
      console.log(libcObstacle());
      try { libc(); } catch (error) { console.log(error.message); }`;
    const run = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hide)}`, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    const clause = 'the optional package "koffi" is not installed ("npm install" without --omit=optional adds it)';
    expect(run.stdout).toBe(`${clause}\nCannot call the kernel: ${clause}\n`);
  });
});

const canCall = kernelAllows(libcObstacle(), 'system calls');

describe.runIf(canCall)('system calls', () => {
  it('answer', () => {
    expect(systemCall('getpid', [])).toBe(process.pid);
  });

  it('fail by name', () => {
    expect(errnoName(1)).toBe('EPERM');
    expect(errnoName(524)).toBe('ENOTSUPP');
    expect(trySystemCall('pidfd_open', [-1, 0])).toBe(-22);
    let error: unknown;
    try {
      systemCall('pidfd_open', [-1, 0], 'process -1');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SystemCallError);
    expect(failedWith(error, 'EINVAL')).toBe(true);
    expect(error).toMatchObject({ message: 'pidfd_open of process -1 failed: invalid argument (EINVAL)', errno: 22 });
  });

  it('list the interfaces over netlink, from the event loop', async () => {
    const fd = openSocket('netlink', 'raw');
    bindSocket(fd, { family: 'netlink', port: 0, groups: 0 });
    const names: string[] = [];
    let done = false;
    const stop = receiveAll(
      fd,
      ({ bytes, from }) => {
        expect(from).toEqual({ family: 'netlink', port: 0, groups: 0 });
        const text = Buffer.from(bytes);
        if (text.includes('lo\0')) names.push('lo');
        // NLMSG_DONE
        for (let at = 0; at + 16 <= text.length; at += (text.readUInt32LE(at) + 3) & ~3) {
          if (text.readUInt16LE(at + 4) === 3) done = true;
        }
      },
      (error) => {
        throw error;
      },
    );
    // RTM_GETLINK, request and dump, for every family.
    const request = Buffer.alloc(32);
    request.writeUInt32LE(32, 0);
    request.writeUInt16LE(18, 4);
    request.writeUInt16LE(0x301, 6);
    expect(send(fd, request, { family: 'netlink', port: 0, groups: 0 })).toBe(32);
    await eventually('the end of the list', () => expect(done).toBe(true));
    expect(names).toContain('lo');
    stop();
    closeSocket(fd);
  });
});

describe.runIf(canCall)('TCP sockets made here', () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('serve and connect as those of Node do, with options set before', async () => {
    const listening = openSocket('inet', 'stream');
    setSocketOption(listening, SOL_SOCKET, SO_RCVBUF, 20_000);
    bindSocket(listening, { family: 'inet', address: '127.0.0.1', port: 0 });
    server = createServer((socket) => socket.end('hello'));
    const { port } = await listenOn(server, listening);
    expect(localAddress(listening)).toEqual({ family: 'inet', address: '127.0.0.1', port });
    expect(descriptorOf(server)).toBe(listening);
    expect(new Int32Array(socketOption(listening, SOL_SOCKET, SO_RCVBUF, 4).slice().buffer)[0]).toBe(40_000);

    const socket = connectOn(openSocket('inet', 'stream'), { family: 'inet', address: '127.0.0.1', port });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
    await once(socket, 'close');
    expect(String(Buffer.concat(chunks))).toBe('hello');
    expect(descriptorOf(socket)).toBeUndefined();
  });

  it('say that nobody listens', async () => {
    server = createServer();
    const listening = openSocket('inet', 'stream');
    bindSocket(listening, { family: 'inet', address: '127.0.0.1', port: 0 });
    const { port } = localAddress(listening) as { port: number };
    const socket = connectOn(openSocket('inet', 'stream'), { family: 'inet', address: '127.0.0.1', port });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    closeSocket(listening);
    server.listen(0);
  });
});

const canChange = kernelAllows(privilegedObstacle(), 'sockets of network namespaces');

describe.runIf(canChange)('network namespaces', () => {
  let name = '';
  beforeAll(() => {
    name = addNamespace('evsys');
  });
  afterAll(() => {
    ip(`netns del ${name}`);
  });

  it('hold the sockets made in them, and nothing else of this process', async () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    const inside = inNetworkNamespace(namespaceFile(name), () => readlinkSync('/proc/thread-self/ns/net'));
    expect(inside).not.toBe(home);
    expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
    // A thread of the pool, by its own eyes.
    expect(await readlink('/proc/thread-self/ns/net')).toBe(home);

    const listening = inNetworkNamespace(namespaceFile(name), () => openSocket('inet', 'stream'));
    bindSocket(listening, { family: 'inet', address: '127.0.0.1', port: 0 });
    const server = createServer((socket) => socket.end('from inside'));
    const { port } = await listenOn(server, listening);
    const fd = inNetworkNamespace(namespaceFile(name), () => openSocket('inet', 'stream'));
    const socket = connectOn(fd, { family: 'inet', address: '127.0.0.1', port });
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(String(chunk)).toBe('from inside');
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('are left again when something fails inside, and refuse what waits', () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    expect(() =>
      inNetworkNamespace(namespaceFile(name), () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(() => inNetworkNamespace(namespaceFile(name), () => Promise.resolve())).toThrow(/must be synchronous/);
    expect(() => inNetworkNamespace('/proc/self/ns/uts', () => {})).toThrow(/EINVAL/);
    expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
  });

  it('send and receive whole frames', async () => {
    const EXPERIMENTAL = 0x88b5;
    const fd = inNetworkNamespace(namespaceFile(name), () => openSocket('packet', 'raw', EXPERIMENTAL));
    const link = Number(ip(`-n ${name} -o link show lo`).split(':')[0]);
    bindSocket(fd, { family: 'packet', protocol: EXPERIMENTAL, link });
    const frames: Received[] = [];
    const stop = receiveAll(
      fd,
      ({ bytes, from }) => frames.push({ bytes: bytes.slice(), from }),
      (error) => {
        throw error;
      },
    );
    const frame = Buffer.alloc(60);
    frame.writeUInt16BE(EXPERIMENTAL, 12);
    frame.write('a frame', 14);
    expect(send(fd, frame, { family: 'packet', protocol: EXPERIMENTAL, link })).toBe(60);
    await eventually('a frame', () => expect(frames.length).toBeGreaterThan(0));
    expect(Buffer.from(frames[0]?.bytes ?? [])).toEqual(frame);
    expect(frames[0]?.from).toMatchObject({ family: 'packet', protocol: EXPERIMENTAL, link });
    stop();
    closeSocket(fd);
  });

  it('let only those connect who sign with the same key', async () => {
    const at = (make: () => number): number => inNetworkNamespace(namespaceFile(name), make);
    const key = Buffer.from('a password between routers');
    const peer = { family: 'inet' as const, address: '127.0.0.1', port: 0 };
    const listening = at(() => openSocket('inet', 'stream'));
    bindSocket(listening, peer);
    setTcpMd5Key(listening, peer, key);
    const server = createServer((socket) => socket.end('signed'));
    const { port } = await listenOn(server, listening);

    const stranger = connectOn(
      at(() => openSocket('inet', 'stream')),
      { ...peer, port },
    );
    stranger.on('error', () => {});
    // The kernel drops unsigned segments in silence; it counts them.
    await eventually('unsigned segments counted', () => expect(unsigned(name)).toBeGreaterThan(0));
    stranger.destroy();

    const fd = at(() => openSocket('inet', 'stream'));
    setTcpMd5Key(fd, { ...peer, address: '127.0.0.0' }, key, 8);
    const friend = connectOn(fd, { ...peer, port });
    const [chunk] = (await once(friend, 'data')) as [Buffer];
    expect(String(chunk)).toBe('signed');
    friend.destroy();
    expect(() => setTcpMd5Key(listening, peer, new Uint8Array(81))).toThrow(/at most 80/);
    await new Promise((resolve) => server.close(resolve));
  });
});

/** Segments dropped in `namespace` because they carried no signature. */
function unsigned(namespace: string): number {
  const run = spawnSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/netstat'], { encoding: 'utf8' });
  const [names, values] = run.stdout.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const at = names?.split(' ').indexOf('TCPMD5NotFound') ?? -1;
  return Number(values?.split(' ')[at]);
}

describe.runIf(canChange)('mounts', () => {
  it('show a kernel file system and take it away', () => {
    const target = mkdtempSync(join(tmpdir(), 'ev sys '));
    mountKernelFileSystem('cgroup2', target);
    expect(mountPoints('cgroup2')).toContain(target);
    expect(readFileSync(join(target, 'cgroup.procs'), 'utf8')).toMatch(/^\d+$/m);
    unmount(target);
    expect(mountPoints('cgroup2')).not.toContain(target);
    rmdirSync(target);
    expect(() => mountKernelFileSystem('bpf', target)).toThrow(/mount of bpf at .* \(ENOENT\)/);
  });
});
