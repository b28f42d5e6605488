// The kernel's connection tracking, asked and told by the program `conntrack`.
// Knows flows; which of them should end is decided elsewhere.
import { canonicalIp, type Family } from '#lib/ip.ts';
import { programsIn, type RunProgram } from '../programs.ts';

/** One flow: what the client asked for, and who answers. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

/** From a line of `conntrack -L`; undefined for a line that is none. */
export function parseFlow(line: string): Flow | undefined {
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

/** What clients asked for, and who answers: the same for many of them. */
export type FlowWay = Omit<Flow, 'source' | 'sourcePort'>;

export class Conntrack {
  readonly #run: RunProgram;

  /** `netns`: path of the network namespace to work in. */
  constructor(netns?: string) {
    this.#run = programsIn(netns);
  }

  async list(family: Family, protocol: 'tcp' | 'udp', to: Partial<FlowWay> = {}): Promise<Flow[]> {
    const { code, stdout, stderr } = await this.#run('conntrack', [
      '-L',
      '-f',
      familyWord(family),
      '-p',
      protocol,
      ...wayWords(to),
    ]);
    if (code !== 0) throw new Error(`conntrack cannot list flows: ${stderr.trim().split('\n')[0]}`);
    return stdout.split('\n').flatMap((line) => parseFlow(line) ?? []);
  }

  /** Forgets every flow of that way. One that has just ended by itself is not there: as wanted. */
  async remove(family: Family, protocol: 'tcp' | 'udp', way: FlowWay): Promise<void> {
    await this.#run('conntrack', ['-D', '-f', familyWord(family), '-p', protocol, ...wayWords(way)]);
  }
}

function wayWords({ destination, destinationPort, replySource, replySourcePort }: Partial<FlowWay>): string[] {
  const words: readonly (readonly [string, string | number | undefined])[] = [
    ['--orig-dst', destination],
    ['--orig-port-dst', destinationPort],
    ['--reply-src', replySource],
    ['--reply-port-src', replySourcePort],
  ];
  return words.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
}

function familyWord(family: Family): string {
  return family === 'IPv4' ? 'ipv4' : 'ipv6';
}
