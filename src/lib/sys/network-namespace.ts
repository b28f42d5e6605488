// Runs something in another network namespace, on the calling thread alone.
// Knows nothing of what is run, and makes no namespace.
import { closeSync, openSync } from 'node:fs';
import { libc } from './libc.ts';
import { checked } from './system-call.ts';

const CLONE_NEWNET = 0x40000000;

/** The file of the namespace that `ip netns add NAME` made. */
export function namespaceFile(name: string): string {
  return `/var/run/netns/${name}`;
}

/**
 * Calls `fn` while this thread is in the network namespace of `file` (`/proc/PID/ns/net`, `/var/run/netns/NAME`), and
 * returns to where it was. A namespace belongs to a thread, a socket to the namespace it was made in, for ever: so make
 * the socket inside and use it anywhere. `fn` must be synchronous (what it awaits would run outside: refused), and must
 * not be the first to use Node's thread pool or start a Worker: threads are born into the namespace of their maker.
 * A child process spawned inside lives there, which is often what is wanted. Needs CAP_SYS_ADMIN.
 */
export function inNetworkNamespace<T>(file: string, fn: () => T): T {
  const c = libc();
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(file, 'r');
    try {
      checked('setns', c.setns(there, CLONE_NEWNET), `"${file}"`);
    } finally {
      closeSync(there);
    }
    try {
      return settled(fn());
    } finally {
      // Whoever cannot go home must not go on: every later socket of this thread would be in a stranger's network.
      if (c.setns(home, CLONE_NEWNET) === -1) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

function settled<T>(result: T): T {
  if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
    throw new TypeError(
      'What runs in another network namespace must be synchronous: only its first part would run there',
    );
  }
  return result;
}
