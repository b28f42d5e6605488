// Connections to ports inside a pod: through a helper in its network namespace, or by its address where it has none.
// Knows namespaces and sockets; the streams they are joined to are the caller's matter.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const helperFile = fileURLToPath(new URL('netns-dialer.mjs', import.meta.url));
/** What the helper says of a connection is one short line. */
const MAX_ANSWER = 1024;

export interface PodDialer {
  dial(port: number): Promise<Socket>;
  close(): void;
}

function connected(options: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, allowHalfOpen: true } as NetConnectOpts);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** For pods that share our network: their address first, for what listens there only, then localhost as upstream. */
function addressDialer(podIps: readonly string[]): PodDialer {
  return {
    async dial(port) {
      let first: unknown;
      for (const host of new Set([...podIps.slice(0, 1), '127.0.0.1'])) {
        try {
          return await connected({ host, port });
        } catch (error) {
          first ??= error;
        }
      }
      throw first;
    },
    close: () => {},
  };
}

/** For pods in a namespace: the helper starts with the first connection and lives as long as the session. */
class NamespaceDialer implements PodDialer {
  readonly #netns: string;
  #helper: Promise<string> | undefined;
  #child: ChildProcess | undefined;
  #dir: string | undefined;

  constructor(netns: string) {
    this.#netns = netns;
  }

  async dial(port: number): Promise<Socket> {
    this.#helper ??= this.#start();
    const socket = await connected({ path: await this.#helper });
    socket.write(`${port}\n`);
    const answer = await firstLine(socket);
    if (answer === 'ok') return socket;
    socket.destroy();
    throw new Error(answer);
  }

  close(): void {
    this.#child?.stdin?.end();
    if (this.#dir !== undefined) rmSync(this.#dir, { recursive: true, force: true });
  }

  #start(): Promise<string> {
    const dir = mkdtempSync(join(tmpdir(), 'evenkeel-forward-'));
    this.#dir = dir;
    const path = join(dir, 'socket');
    const child = spawn('nsenter', [`--net=${this.#netns}`, '--', process.execPath, helperFile, path], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH ?? '' },
      detached: true,
    });
    this.#child = child;
    child.stdin.on('error', () => {});
    return new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`cannot enter the pod's network: ${error.message}`)));
      child.once('exit', (code) => reject(new Error(`cannot enter the pod's network: nsenter ended with ${code}`)));
      child.stdout.once('data', () => resolve(path));
    });
  }
}

/** Reads up to the end of a line; what follows stays in the socket. */
function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const onReadable = (): void => {
      for (let byte = socket.read(1); byte !== null; byte = socket.read(1)) {
        if (byte[0] === 0x0a || line.length > MAX_ANSWER) {
          stop();
          resolve(line);
          return;
        }
        line += byte.toString('latin1');
      }
    };
    const onEnd = (): void => {
      stop();
      reject(new Error('the connection was closed'));
    };
    const stop = (): void => {
      socket.off('readable', onReadable);
      socket.off('error', onEnd);
      socket.off('end', onEnd);
    };
    socket.on('readable', onReadable);
    socket.on('error', onEnd);
    socket.on('end', onEnd);
  });
}

export function podDialer(network: { readonly podIps: readonly string[]; readonly netns?: string }): PodDialer {
  return network.netns === undefined ? addressDialer(network.podIps) : new NamespaceDialer(network.netns);
}
