// UDP flows that the kernel remembers: those that lead to endpoints which serve no more are made to begin anew.
// The rule is upstream's (pkg/proxy/conntrack/cleanup.go); asks and tells the kernel by the program `conntrack`.
import { spawn } from 'node:child_process';
import { canonicalIp, type Family } from '#lib/ip.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';

/** One flow: what the client asked for, and who answers. */
export interface UdpFlow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

/** From a line of `conntrack -L`; undefined for a line that is none. */
export function parseFlow(line: string): UdpFlow | undefined {
  const words = [...line.matchAll(/\b(src|dst|sport|dport)=(\S+)/g)].map(([, key, value]) => ({ key, value }));
  const all = (key: string): string[] => words.flatMap((word) => (word.key === key ? [word.value ?? ''] : []));
  const [source, replySource] = all('src').map(canonicalIp);
  const [destination] = all('dst').map(canonicalIp);
  const [sourcePort, replySourcePort] = all('sport').map(Number);
  const [destinationPort] = all('dport').map(Number);
  if (source === undefined || replySource === undefined || destination === undefined) return undefined;
  if (sourcePort === undefined || replySourcePort === undefined || destinationPort === undefined) return undefined;
  return { source, sourcePort, destination, destinationPort, replySource, replySourcePort };
}

/** Those of the flows that lead to no serving endpoint of the Service port that they are for. */
export function staleFlows(flows: readonly UdpFlow[], ports: readonly PortRules[]): UdpFlow[] {
  const serving = new Map<string, ReadonlySet<string>>();
  const fronts = new Set<string>();
  for (const rules of ports) {
    if (rules.protocol !== 'UDP' || rules.serving.size === 0) continue;
    for (const { kind, address, port } of rules.fronts) {
      fronts.add(`${address} ${port}`);
      serving.set(kind === 'node_port' ? `* ${port}` : `${address} ${port}`, rules.serving);
    }
  }
  return flows.filter((flow) => {
    const { destination, destinationPort, replySource, replySourcePort } = flow;
    // Not translated, as one that began before its Service did; others with the port of a node port are nobody's.
    const isPlain = replySource === destination && replySourcePort === destinationPort;
    if (isPlain && !fronts.has(`${destination} ${destinationPort}`)) return false;
    const valid = serving.get(`${destination} ${destinationPort}`) ?? serving.get(`* ${destinationPort}`);
    return valid !== undefined && !valid.has(`${replySource} ${replySourcePort}`);
  });
}

export class UdpFlows {
  readonly #prefix: readonly string[];

  /** `netns`: path of the network namespace to work in. */
  constructor(netns?: string) {
    this.#prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  }

  async remove(ports: readonly PortRules[]): Promise<void> {
    for (const [family, own] of Map.groupBy(ports, (rules) => rules.family)) {
      const flows = (await this.#list(family)).split('\n').flatMap((line) => parseFlow(line) ?? []);
      // All clients of a way at once: a name server has thousands.
      const ways = Map.groupBy(staleFlows(flows, own), wayOf);
      for (const [flow] of ways.values()) if (flow !== undefined) await this.#delete(family, flow);
    }
  }

  async #list(family: Family): Promise<string> {
    const { code, out, errors } = await this.#conntrack(['-L', '-f', familyWord(family), '-p', 'udp']);
    if (code !== 0) throw new Error(`conntrack cannot list flows: ${errors.trim().split('\n')[0]}`);
    return out;
  }

  /** Every flow of that way. One that has just ended by itself is not there: as wanted. */
  async #delete(
    family: Family,
    { destination, destinationPort, replySource, replySourcePort }: UdpFlow,
  ): Promise<void> {
    const asked = ['--orig-dst', destination, '--orig-port-dst', `${destinationPort}`];
    const answers = ['--reply-src', replySource, '--reply-port-src', `${replySourcePort}`];
    await this.#conntrack(['-D', '-f', familyWord(family), '-p', 'udp', ...asked, ...answers]);
  }

  #conntrack(args: readonly string[]): Promise<{ code: number | null; out: string; errors: string }> {
    const [program = '', ...rest] = [...this.#prefix, 'conntrack', ...args];
    return new Promise((resolve, reject) => {
      const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
      let [out, errors] = ['', ''];
      child.stdout.on('data', (bytes: Buffer) => {
        out += bytes.toString();
      });
      child.stderr.on('data', (bytes: Buffer) => {
        errors += bytes.toString();
      });
      child.on('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' ? new Error('conntrack is not installed (Debian package "conntrack")') : error);
      });
      child.on('close', (code) => resolve({ code, out, errors }));
    });
  }
}

/** What was asked for, and who answers; the same for many clients. */
function wayOf({ destination, destinationPort, replySource, replySourcePort }: UdpFlow): string {
  return `${destination} ${destinationPort} ${replySource} ${replySourcePort}`;
}

function familyWord(family: Family): string {
  return family === 'IPv4' ? 'ipv4' : 'ipv6';
}
