// A node and a machine outside of it, each a network namespace that this test made: the real one is never touched.
// Knows how to start servers and clients in namespaces; what should answer is the test's matter.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';

const NETNS = '/run/netns';
/** Echoes who asks, over TCP (as HTTP) and UDP, on both families. */
const SERVER = `
const [name, port, address] = process.argv.slice(1);
const http = require('node:http').createServer((q, s) => s.end(name + ' ' + q.socket.remoteAddress.replace('::ffff:', '')));
http.listen(Number(port), address || '::');
for (const type of address ? ['udp4'] : ['udp4', 'udp6']) {
  const udp = require('node:dgram').createSocket({ type, ipv6Only: type === 'udp6' });
  udp.on('message', (text, from) => udp.send(name + ' ' + from.address, from.port, from.address));
  udp.bind(Number(port), address || undefined);
}
http.on('listening', () => setImmediate(() => console.log('ready')));
`;
/** One datagram and no second one: nothing hides that the first was lost. */
const DATAGRAM = `
const [address, port, from] = process.argv.slice(1);
const udp = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
udp.on('message', (text) => { console.log(String(text)); process.exit(0); });
udp.bind(Number(from), () => udp.send('?', Number(port), address));
setTimeout(() => process.exit(1), 2000);
`;

export const nodeAddress = { 4: '192.0.2.1', 6: '2001:db8:1::1' } as const;
export const outsideAddress = { 4: '192.0.2.2', 6: '2001:db8:1::2' } as const;
/** Of the veth between them, so that a default of 1500 is told from what was found. */
export const UPLINK_MTU = 1450;

/** Whether network namespaces can be made here, with what these tests run in them. */
export function labAllowed(wanted: string, tools: readonly string[] = []): boolean {
  const missing = ['ip', 'nft', 'curl', 'nsenter', ...tools].find((tool) => !hasProgram(tool));
  const obstacle =
    process.getuid?.() !== 0
      ? 'this is not root'
      : missing !== undefined
        ? `${missing} is not installed`
        : spawnSync('sh', ['-c', 'unshare --net true']).status === 0
          ? undefined
          : 'network namespaces cannot be made';
  return kernelAllows(obstacle, wanted);
}

function hasProgram(tool: string): boolean {
  if (tool.startsWith('/')) return existsSync(tool);
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

export interface Inventory {
  readonly links: string[];
  readonly routes: string[];
  readonly neighbours: string[];
  readonly tables: string[];
  /** Rules and elements of nftables that name an address. */
  readonly elements: string[];
  readonly namespaces: string[];
}

let labs = 0;

export class NodeLab {
  /** Unique on the machine; also a good beginning for an owner. */
  readonly id = `ektest-${process.pid}-${labs++}`;
  readonly node = `${NETNS}/${this.id}-node`;
  readonly outside = `${NETNS}/${this.id}-outside`;
  readonly #servers: ChildProcess[] = [];

  constructor() {
    this.sh(`
      ip netns add ${this.id}-node; ip netns add ${this.id}-outside
      ip -n ${this.id}-node link add up0 mtu ${UPLINK_MTU} type veth peer name up0 mtu ${UPLINK_MTU} netns ${this.id}-outside
      for end in node:1:2 outside:2:1; do
        name=\${end%%:*}; rest=\${end#*:}; own=\${rest%:*}; other=\${rest#*:}
        ip -n ${this.id}-$name link set lo up
        # A machine has long looked for duplicates by the time when pods come.
        nsenter --net=${NETNS}/${this.id}-$name sh -c 'echo 0 > /proc/sys/net/ipv6/conf/up0/accept_dad'
        ip -n ${this.id}-$name link set up0 up
        ip -n ${this.id}-$name addr add 192.0.2.$own/24 dev up0
        ip -n ${this.id}-$name addr add 2001:db8:1::$own/64 dev up0 nodad
        ip -n ${this.id}-$name route add default via 192.0.2.$other
        ip -n ${this.id}-$name -6 route add default via 2001:db8:1::$other
      done`);
  }

  /** A script in a namespace (the machine's, where none is said); what it printed. */
  sh(script: string, netns?: string): string {
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
    const [program = '', ...args] = [...enter, 'sh', '-ec', script];
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Script failed: ${script}\n${stderr}`);
    return stdout;
  }

  /** A server that answers with `name` and who asked; on every address, or on `address` alone. */
  async serve(name: string, netns: string | undefined, port: number, address = ''): Promise<void> {
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
    const [program = '', ...args] = [...enter, process.execPath, '-e', SERVER, name, String(port), address];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#servers.push(child);
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error(`Server ${name} ended`)));
    });
  }

  /** What an HTTP server there says; throws when none does within two seconds. */
  async ask(netns: string | undefined, address: string, port: number): Promise<string> {
    const host = address.includes(':') ? `[${address}]` : address;
    const url = `http://${host}:${port}/`;
    return await this.#client(netns, ['curl', '--silent', '--show-error', '--max-time', '2', '--globoff', url]);
  }

  /** The answer to one datagram, from a free port or the given one; throws when none comes within two seconds. */
  async askUdp(netns: string | undefined, address: string, port: number, from = 0): Promise<string> {
    const args = [address, String(port), String(from)];
    return (await this.#client(netns, [process.execPath, '-e', DATAGRAM, ...args])).trim();
  }

  async #client(netns: string | undefined, command: readonly string[]): Promise<string> {
    const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
    const [program = '', ...args] = [...enter, ...command];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`No answer: ${output.trim()}`);
    return output;
  }

  /** Everything of the network that could be left behind: in the node, and namespaces of `owner`. */
  inventory(owner: string): Inventory {
    const lines = (script: string): string[] =>
      this.sh(script, this.node)
        .split('\n')
        .filter((line) => line !== '');
    return {
      links: lines("ip -o link | sed 's/^[0-9]*: //; s/[@:].*//'").sort(),
      // Whether a bridge has ports just now is no matter.
      routes: lines('for type in unicast unreachable; do ip route show type $type; ip -6 route show type $type; done')
        .filter((line) => !line.includes('fe80'))
        .map((line) => line.replace(' linkdown', '').trim()),
      neighbours: lines('ip neigh show nud permanent; ip -6 neigh show nud permanent'),
      tables: lines('nft list tables'),
      elements: lines('nft list ruleset | grep -E "dnat|DNAT|comment" || true').filter((line) =>
        /\d+\.\d+\.\d+\.\d+/.test(line),
      ),
      namespaces: readdirSync(NETNS).filter((name) => name.startsWith(`${owner}.`)),
    };
  }

  stopServers(): void {
    for (const child of this.#servers.splice(0)) child.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.stopServers();
    await eventually('the namespaces of the test are gone', () => {
      for (const name of readdirSync(NETNS)) if (name.startsWith(this.id)) this.sh(`ip netns delete '${name}'`);
    });
  }
}
