// A switch with nodes and a client on it, each a network namespace; on the nodes real speakers, at one real API server.
// Knows how to make, kill and ask them; what should happen is the tests' matter.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import { loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { inNetworkNamespace, namespaceFile } from '#lib/sys/network-namespace.ts';
import { connectOn, listenOn } from '#lib/sys/node-streams.ts';
import { bindSocket, closeSocket, openSocket, SOL_SOCKET, setSocketOption } from '#lib/sys/socket.ts';
import { addNamespace, ip, uniqueName } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { evenkeelBinary, mustRun } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

export const LINK = 'eth0';
const API = { address: '192.0.2.254', port: 6443 } as const;
export const CLIENT = '192.0.2.100';
/** Of the pool; both are on the network of the nodes. */
export const POOL = ['192.0.2.192/28', '2001:db8:7::f000/116'] as const;
const SO_REUSEADDR = 2;

export interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

/** A node whose server says its name at every address that it is asked at. */
export interface NodePlace extends Place {
  readonly server: Server;
}

export class Lab {
  readonly switch = addNamespace('evk-sp-sw');
  readonly client: Place;
  readonly nodes: NodePlace[] = [];
  readonly #dir: TempDir = tempDir('speaker');
  readonly #speakers = new Map<string, SpeakerProcess>();
  #server: TestServer | undefined;
  #api: Client | undefined;
  #proxy: Server | undefined;

  constructor() {
    ip(`-n ${this.switch} link add fabric type bridge forward_delay 0 mcast_snooping 0`);
    ip(`-n ${this.switch} address add ${API.address}/24 dev fabric`);
    ip(`-n ${this.switch} link set fabric up`);
    this.client = this.#plug('client', 100);
  }

  get api(): Client {
    if (this.#api === undefined) throw new Error('Start the lab first');
    return this.#api;
  }

  get kubeconfig(): string {
    return join(this.#dir.path, 'kubeconfig');
  }

  /** The API server, and `count` nodes that are ready. */
  async start(count: number): Promise<void> {
    const server = await startTestServer();
    this.#server = server;
    this.#api = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
    this.#proxy = createServer((socket) => pipeTo(socket, server.port));
    await listenIn(this.switch, this.#proxy, API.address, API.port);
    writeFileSync(
      this.kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          { name: 'c', cluster: { server: `https://${API.address}:${API.port}`, 'insecure-skip-tls-verify': true } },
        ],
        users: [{ name: 'u', user: { token: server.adminToken } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
      { mode: 0o600 },
    );
    const { api } = this;
    for (const definition of loadBalancerDefinitions) {
      await api.create(builtin('CustomResourceDefinition'), definition);
    }
    for (const name of ['kube-system', 'shop', 'metallb-system']) {
      await api
        .create(builtin('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
        .catch(() => {});
    }
    for (let at = 1; at <= count; at++) await this.#addNode(at);
  }

  async pool(spec: object = {}): Promise<void> {
    await eventually('pools are served', () =>
      this.api.create(loadBalancerResource('AddressPool'), {
        apiVersion: 'evenkeel.dev/v1alpha1',
        kind: 'AddressPool',
        metadata: { name: 'default' },
        spec: { addresses: POOL, ...spec },
      }),
    );
  }

  /** With an endpoint on each of `on`, and `addresses` given to it. */
  async service(name: string, addresses: readonly string[], on: readonly string[], spec: object = {}): Promise<void> {
    const metadata = { name, namespace: 'shop' };
    const service: Service & KubeObject = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
    };
    await this.api.create(builtin('Service'), service);
    await this.endpoints(name, on);
    const status = { loadBalancer: { ingress: addresses.map((address) => ({ ip: address })) } };
    await this.api.patch(builtin('Service'), name, 'shop', 'merge', { status }, { subresource: 'status' });
  }

  async endpoints(service: string, on: readonly string[]): Promise<void> {
    const slices = builtin('EndpointSlice');
    const endpoints = on.map((nodeName, at) => ({
      addresses: [`10.0.0.${at + 1}`],
      nodeName,
      conditions: { ready: true },
    }));
    const metadata = { name: service, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } };
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      endpoints,
    };
    try {
      await this.api.create(slices, slice as KubeObject);
    } catch {
      await this.api.patch(slices, service, 'shop', 'merge', { endpoints });
    }
  }

  /** On the node of this name; ready when it announces. `preload` is a file that its process loads first. */
  async speaker(node: string, args: readonly string[] = [], preload?: string): Promise<SpeakerProcess> {
    const place = this.node(node);
    const speaker = new SpeakerProcess(place, this.kubeconfig, args, preload);
    this.#speakers.set(node, speaker);
    await speaker.ready;
    return speaker;
  }

  node(name: string): NodePlace {
    const place = this.nodes.find((one) => one.name === name);
    if (place === undefined) throw new Error(`No node ${name}`);
    return place;
  }

  /** The node is off the network. */
  cut(node: string): void {
    ip(`-n ${this.switch} link set ${node} down`);
  }

  mend(node: string): void {
    ip(`-n ${this.switch} link set ${node} up`);
  }

  /** Which node answers the client at `address` within `ms`; undefined for none. */
  async whoAnswers(address: string, ms = 300): Promise<string | undefined> {
    const family = address.includes(':') ? 'inet6' : 'inet';
    const fd = inNetworkNamespace(namespaceFile(this.client.namespace), () => openSocket(family, 'stream'));
    const socket = connectOn(fd, { family: 'inet', address, port: 80 });
    const timer = setTimeout(() => socket.destroy(), ms);
    try {
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text === '' ? undefined : text;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }

  /** What the client knows of an address: a hardware address. */
  neighbour(address: string): string | undefined {
    return /lladdr (\S+)/.exec(ip(`-n ${this.client.namespace} neighbour show ${address}`))?.[1];
  }

  hardwareOf({ namespace }: Place): string {
    return /link\/ether (\S+)/.exec(ip(`-n ${namespace} link show ${LINK}`))?.[1] ?? '';
  }

  in(place: Place, ...words: readonly string[]): Promise<string> {
    return mustRun('ip', ['netns', 'exec', place.namespace, ...words]);
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#speakers.values()].map((speaker) => speaker.end('SIGKILL')));
    this.#speakers.clear();
    for (const { name } of this.nodes) this.mend(name);
    for (const service of await this.api
      .list<Service & KubeObject>(builtin('Service'), { namespace: 'shop' })
      .then(({ items }) => items)) {
      const name = service.metadata?.name ?? '';
      await this.api.delete(builtin('Service'), name, 'shop');
      await this.api.delete(builtin('EndpointSlice'), name, 'shop').catch(() => {});
    }
    await this.api.delete(loadBalancerResource('AddressPool'), 'default').catch(() => {});
    ip(`-n ${this.client.namespace} neighbour flush dev ${LINK}`);
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#speakers.values()].map((speaker) => speaker.end('SIGKILL')));
    for (const { server } of this.nodes) server.close();
    this.#proxy?.close();
    await this.#api?.close();
    await this.#server?.close();
    for (const { namespace } of [this.client, ...this.nodes]) ip(`netns del ${namespace}`);
    ip(`netns del ${this.switch}`);
    this.#dir.remove();
  }

  async #addNode(at: number): Promise<void> {
    const name = `n${at}`;
    const place = this.#plug(name, 10 + at);
    // Every node could serve every address; its kernel answers for none of them.
    const { namespace } = place;
    await mustRun('ip', ['netns', 'exec', namespace, 'sh', '-ec', 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore']);
    ip(`-n ${namespace} route add local ${POOL[0]} dev lo`);
    ip(`-n ${namespace} -6 route add local ${POOL[1]} dev lo`);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(name);
    });
    await listenIn(namespace, server, '::', 80);
    this.nodes.push({ ...place, server });
    const nodes = builtin('Node');
    await this.api.create<Node & KubeObject>(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { at: name } },
    });
    const status = {
      addresses: [{ type: 'InternalIP', address: place.address }],
      conditions: [{ type: 'Ready', status: 'True' }],
    };
    await this.api.patch(nodes, name, undefined, 'merge', { status }, { subresource: 'status' });
  }

  #plug(name: string, host: number): Place {
    const namespace = addNamespace(`evk-sp-${name}`);
    const address = `192.0.2.${host}`;
    const port = uniqueName('ev');
    ip(`-n ${namespace} link add ${LINK} type veth peer name ${port}`);
    ip(`-n ${namespace} link set ${port} netns ${this.switch} name ${name}`);
    ip(`-n ${this.switch} link set ${name} master fabric up`);
    ip(`-n ${namespace} link set ${LINK} up`);
    ip(`-n ${namespace} address add ${address}/24 dev ${LINK}`);
    ip(`-n ${namespace} address add 2001:db8:7::${host}/64 dev ${LINK} nodad`);
    return { name, namespace, address };
  }
}

export class SpeakerProcess {
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #place: Place;
  #log = '';

  constructor(place: Place, kubeconfig: string, args: readonly string[], preload: string | undefined) {
    this.#place = place;
    const flags = ['--kubeconfig', kubeconfig, '--node-name', place.name, '--interfaces', LINK, ...args];
    // `ip netns exec` becomes what it runs, so that a signal meets the speaker itself.
    this.#child = spawn('ip', ['netns', 'exec', place.namespace, evenkeelBinary, 'speaker', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(preload === undefined ? {} : { NODE_OPTIONS: `--import ${preload}` }) },
    });
    this.ready = new Promise((resolve, reject) => {
      const heard = (text: string): void => {
        this.#log += text;
        if (this.#log.includes('Speaker of node')) resolve();
      };
      this.#child.stdout?.setEncoding('utf8').on('data', heard);
      this.#child.stderr?.setEncoding('utf8').on('data', heard);
      this.#child.once('exit', (code) => reject(new Error(`The speaker ended with ${code}: ${this.#log}`)));
    });
    // Later it is meant to end.
    this.ready.catch(() => {});
  }

  get log(): string {
    return this.#log;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    if (signal !== 'SIGKILL') this.#child.kill('SIGCONT');
    await gone;
  }

  /** Of its own pages, asked from its namespace. */
  page(path: string): Promise<string> {
    const url = `http://127.0.0.1:7472${path}`;
    return mustRun('ip', ['netns', 'exec', this.#place.namespace, 'curl', '-sS', '--max-time', '10', url]);
  }
}

async function listenIn(namespace: string, server: Server, address: string, port: number): Promise<void> {
  const fd = inNetworkNamespace(namespaceFile(namespace), () =>
    openSocket(address.includes(':') ? 'inet6' : 'inet', 'stream'),
  );
  try {
    setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bindSocket(fd, { family: 'inet', address, port });
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  await listenOn(server, fd);
}

function pipeTo(socket: Socket, port: number): void {
  const to = connect(port, '127.0.0.1');
  const end = (): void => {
    socket.destroy();
    to.destroy();
  };
  for (const one of [socket, to]) one.on('error', end).on('close', end);
  socket.pipe(to).pipe(socket);
}
