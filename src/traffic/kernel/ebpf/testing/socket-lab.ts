// A small network of namespaces (a node with pods on a bridge) and a control group whose sockets the programs see.
// This process makes everything: servers outside of the control group, clients inside. Packets to 10.96.0.0/16 meet
// an unreachable route at once: what the programs leave alone is not served. Knows no rule.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { inNetworkNamespace, namespaceFile } from '#lib/sys/network-namespace.ts';
import { connectOn, listenOn } from '#lib/sys/node-streams.ts';
import { bindSocket, openSocket } from '#lib/sys/socket.ts';
import { addNamespace, ip, uniqueName } from '#lib/sys/testing.ts';
import { cgroupRoot } from '../driver/ebpf-driver.ts';

export interface Answer {
  /** What the server said: its name. */
  readonly text: string;
  /** Whom the client takes for its peer, `address port`. */
  readonly peer: string;
}

const PATIENCE_MS = 10_000;

export class SocketLab {
  readonly cgroup: string;
  readonly node: string;
  readonly #root: string;
  readonly #namespaces = new Map<string, string>();
  readonly #open: (Server | DatagramSocket)[] = [];

  constructor() {
    this.#root = cgroupRoot() ?? '';
    this.cgroup = join(this.#root, uniqueName('evebpf'));
    mkdirSync(this.cgroup);
    this.node = addNamespace('evn');
    this.#namespaces.set('node', this.node);
    ip(`-n ${this.node} link add br0 type bridge`);
    ip(`-n ${this.node} link set br0 up`);
    ip(`-n ${this.node} address add 10.244.0.1/24 dev br0`);
    ip(`-n ${this.node} address add fd00:244::1/64 dev br0 nodad`);
    ip(`-n ${this.node} route add unreachable 10.96.0.0/16`);
  }

  /** A namespace with the addresses 10.244.0.`host` and fd00:244::`host`. */
  addPod(name: string, host: number): void {
    const namespace = addNamespace('evp');
    this.#namespaces.set(name, namespace);
    const outer = `v${host}`;
    ip(`-n ${this.node} link add ${outer} type veth peer name eth0 netns ${namespace}`);
    ip(`-n ${this.node} link set ${outer} master br0 up`);
    ip(`-n ${namespace} link set eth0 up`);
    ip(`-n ${namespace} address add 10.244.0.${host}/24 dev eth0`);
    ip(`-n ${namespace} address add fd00:244::${host}/64 dev eth0 nodad`);
    ip(`-n ${namespace} route add default via 10.244.0.1`);
    ip(`-n ${namespace} route add default via fd00:244::1`);
    ip(`-n ${namespace} route add unreachable 10.96.0.0/16`);
  }

  fileOf(place: string): string {
    return namespaceFile(this.#namespaces.get(place) ?? '');
  }

  /** In each pod a server of both families that answers with the pod's name, TCP and UDP. */
  async serve(pods: readonly string[], port: number): Promise<void> {
    for (const pod of pods) {
      const any = { family: 'inet', address: '::', port } as const;
      const stream = inNetworkNamespace(this.fileOf(pod), () => openSocket('inet6', 'stream'));
      bindSocket(stream, any);
      const server = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.end(pod);
      });
      this.#open.push(server);
      await listenOn(server, stream);
      const datagram = inNetworkNamespace(this.fileOf(pod), () => openSocket('inet6', 'datagram'));
      bindSocket(datagram, any);
      const socket = createSocket('udp6');
      socket.bind({ fd: datagram });
      socket.on('message', (_, from) => socket.send(pod, from.port, from.address));
      this.#open.push(socket);
    }
  }

  /** A descriptor made in `place` and in the control group. The way there and back takes the whole process along. */
  socket(place: string, family: 'inet' | 'inet6', type: 'stream' | 'datagram', inGroup = true): number {
    return this.#make(place, () => openSocket(family, type), inGroup);
  }

  /** Many TCP sockets at once. */
  sockets(place: string, count: number, inGroup = true): number[] {
    return this.#make(place, () => Array.from({ length: count }, () => openSocket('inet', 'stream')), inGroup);
  }

  #make<T>(place: string, open: () => T, inGroup: boolean): T {
    const make = (): T => inNetworkNamespace(this.fileOf(place), open);
    if (!inGroup) return make();
    writeFileSync(join(this.cgroup, 'cgroup.procs'), String(process.pid));
    try {
      return make();
    } finally {
      writeFileSync(join(this.#root, 'cgroup.procs'), String(process.pid));
    }
  }

  /** Takes the unreachable route of the node away: Services go out to the bridge, unless rules lead them elsewhere. */
  routeServices(): void {
    ip(`-n ${this.node} route replace 10.96.0.0/16 dev br0`);
  }

  /** One TCP connection; rejects as the client's would. `from`: the address it is bound to. */
  async connect(
    place: string,
    address: string,
    port: number,
    { family = 'inet', from }: { family?: 'inet' | 'inet6'; from?: string } = {},
  ): Promise<Answer> {
    const fd = this.socket(place, family, 'stream');
    if (from !== undefined) bindSocket(fd, { family: 'inet', address: from, port: 0 });
    return readAnswer(connectOn(fd, { family: 'inet', address, port }));
  }

  /** A datagram socket of the client, not connected. */
  datagrams(place: string, family: 'inet' | 'inet6' = 'inet'): DatagramClient {
    const client = new DatagramClient(this.socket(place, family, 'datagram'), family);
    this.#open.push(client.socket);
    return client;
  }

  async close(): Promise<void> {
    for (const one of this.#open) await new Promise<void>((resolve) => one.close(() => resolve()));
    for (const namespace of this.#namespaces.values()) ip(`netns del ${namespace}`);
    rmdirSync(this.cgroup);
  }
}

async function readAnswer(socket: Socket): Promise<Answer> {
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('No answer')));
  const text: Buffer[] = [];
  let peer = '';
  socket.on('connect', () => {
    peer = `${socket.remoteAddress} ${socket.remotePort}`;
  });
  socket.on('data', (chunk) => text.push(Buffer.from(chunk)));
  await once(socket, 'close');
  if (socket.errored !== null) throw socket.errored;
  return { text: String(Buffer.concat(text)), peer };
}

export class DatagramClient {
  readonly socket: DatagramSocket;

  constructor(fd: number, family: 'inet' | 'inet6') {
    this.socket = createSocket(family === 'inet' ? 'udp4' : 'udp6');
    this.socket.bind({ fd });
  }

  /** Sends one datagram and waits for the answer. */
  async ask(address: string, port: number): Promise<Answer> {
    const answer = this.#next();
    await new Promise<void>((resolve, reject) => {
      this.socket.send('?', port, address, (error) => (error === null ? resolve() : reject(error)));
    }).catch((error: unknown) => {
      answer.catch(() => {});
      throw error;
    });
    return answer;
  }

  async askConnected(address: string, port: number): Promise<Answer & { readonly connectedTo: string }> {
    await new Promise<void>((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.connect(port, address, () => resolve());
    });
    const remote = this.socket.remoteAddress();
    const answer = this.#next();
    this.socket.send('?');
    return { ...(await answer), connectedTo: `${remote.address} ${remote.port}` };
  }

  async #next(): Promise<Answer> {
    const [message, from] = (await once(this.socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [
      Buffer,
      { address: string; port: number },
    ];
    return { text: String(message), peer: `${from.address} ${from.port}` };
  }
}
