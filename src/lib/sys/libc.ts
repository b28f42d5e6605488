// The one place that opens libc: a few C functions by their C signatures, when the optional package koffi is there.
// Knows nothing of sockets or of eBPF; whoever calls turns -1 into an error (system-call.ts).
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** Memory handed to the kernel. The caller keeps it alive until the call returns. */
export type Memory = Uint8Array | null;

/** Each function is the C function of its name: -1 means failed, and `errno()` says why until the next call. */
export interface Libc {
  syscall(number: number, ...args: (number | bigint)[]): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  connect(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  getsockname(fd: number, address: Memory, length: Memory): number;
  setsockopt(fd: number, level: number, option: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Memory, length: Memory): number;
  sendto(fd: number, bytes: Memory, length: number, flags: number, address: Memory, addressLength: number): number;
  recvfrom(fd: number, bytes: Memory, length: number, flags: number, address: Memory, addressLength: Memory): number;
  recvmmsg(fd: number, messages: Memory, count: number, flags: number, timeout: Memory): number;
  sendmmsg(fd: number, messages: Memory, count: number, flags: number): number;
  setns(fd: number, kind: number): number;
  unshare(flags: number): number;
  mount(source: string, target: string, type: string, flags: number, data: string | null): number;
  umount2(target: string, flags: number): number;
  errno(): number;
  /** Where `memory` lies, for structures that hold pointers. */
  address(memory: Uint8Array): bigint;
  /** Calls `listener` whenever `fd` can be read without waiting. The watch does not keep the process alive. */
  watchReadable(fd: number, listener: () => void): () => void;
}

type Opened = { readonly libc: Libc } | { readonly obstacle: string };

let opened: Opened | undefined;

/** Why the kernel cannot be called from here, as a clause; undefined where it can. */
export function libcObstacle(): string | undefined {
  opened ??= open();
  return 'obstacle' in opened ? opened.obstacle : undefined;
}

/** The C library; throws where there is none, naming the remedy. Ask `libcObstacle` before. */
export function libc(): Libc {
  opened ??= open();
  if ('obstacle' in opened) throw new Error(`Cannot call the kernel: ${opened.obstacle}`);
  return opened.libc;
}

function open(): Opened {
  if (process.platform !== 'linux') return { obstacle: `system calls are for Linux, this is "${process.platform}"` };
  let koffi: typeof Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'MODULE_NOT_FOUND') {
      return {
        obstacle: 'the optional package "koffi" is not installed ("npm install" without --omit=optional adds it)',
      };
    }
    return { obstacle: `the optional package "koffi" cannot be loaded: ${(cause as Error).message.split('\n')[0]}` };
  }
  return { libc: bind(koffi) };
}

function bind(koffi: typeof Koffi): Libc {
  const library = koffi.load(null);
  const define = (signature: string): never => library.func(signature) as never;
  const rawSyscall: (...args: (number | bigint)[]) => number = define(
    'long syscall(long number, int64 a, int64 b, int64 c, int64 d, int64 e, int64 f)',
  );
  return {
    syscall: (number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) => Number(rawSyscall(number, a, b, c, d, e, f)),
    socket: define('int socket(int domain, int type, int protocol)'),
    bind: define('int bind(int fd, void *address, uint32 length)'),
    connect: define('int connect(int fd, void *address, uint32 length)'),
    listen: define('int listen(int fd, int backlog)'),
    getsockname: define('int getsockname(int fd, void *address, void *length)'),
    setsockopt: define('int setsockopt(int fd, int level, int option, void *value, uint32 length)'),
    getsockopt: define('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    sendto: define('intptr sendto(int fd, void *bytes, size_t length, int flags, void *address, uint32 addressLength)'),
    recvfrom: define(
      'intptr recvfrom(int fd, void *bytes, size_t length, int flags, void *address, void *addressLength)',
    ),
    recvmmsg: define('int recvmmsg(int fd, void *messages, uint32 count, int flags, void *timeout)'),
    sendmmsg: define('int sendmmsg(int fd, void *messages, uint32 count, int flags)'),
    setns: define('int setns(int fd, int kind)'),
    unshare: define('int unshare(int flags)'),
    mount: define('int mount(str source, str target, str type, ulong flags, str data)'),
    umount2: define('int umount2(str target, int flags)'),
    errno: () => koffi.errno(),
    address: (memory) => koffi.address(memory),
    watchReadable(fd, listener) {
      const handle = koffi.node.poll(fd, { readable: true }, listener);
      handle.unref();
      return () => handle.close();
    },
  };
}
