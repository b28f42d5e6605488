// A node with two pods and a client outside of it, each a network namespace, for packets through a real IPVS.
// Small on purpose, since it stands in a guest kernel; what should become of a packet, the rule model's tracer says.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { familyOf } from '#lib/ip.ts';
import type { RuleModel } from '#traffic/snapshot/rules/rule-model.ts';
import { trace } from '#traffic/snapshot/rules/trace.ts';

export type Place = 'n1' | 'p1' | 'p2' | 'out';

export const addressOf = {
  n1: { IPv4: '192.0.2.1', IPv6: '2001:db8:1::1' },
  p1: { IPv4: '10.244.0.2', IPv6: 'fd00:10:244::2' },
  p2: { IPv4: '10.244.0.3', IPv6: 'fd00:10:244::3' },
  out: { IPv4: '198.51.100.7', IPv6: '2001:db8:9::7' },
} as const;
/** The node's end of the link to its pods: whom an endpoint sees that is masqueraded for. */
const GATEWAY = { IPv4: '10.244.0.1', IPv6: 'fd00:10:244::1' } as const;
const NAMES: readonly Place[] = ['n1', 'p1', 'p2', 'out'];
const PORT = 8080;
const SPEAKER = fileURLToPath(new URL('speaker.mjs', import.meta.url));
/** Spent where silence is expected, and the longest time for an answer. */
const SILENCE_MS = 2_000;
const PATIENCE_MS = 10_000;

export interface Question {
  readonly at: Place;
  readonly protocol: 'TCP' | 'UDP';
  readonly to: string;
  readonly port: number;
}

export function netns(place: Place): string {
  return `/run/netns/${place}`;
}

export function sh(script: string, place?: Place): string {
  const enter = place === undefined ? [] : ['nsenter', `--net=${netns(place)}`, '--'];
  const [program = '', ...args] = [...enter, 'sh', '-ec', script];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Script failed: ${script}\n${stdout}${stderr}`);
  return stdout;
}

export class Lab {
  readonly #servers: ChildProcessWithoutNullStreams[] = [];

  static async make(): Promise<Lab> {
    const lab = new Lab();
    sh(namespaces());
    for (const place of ['p1', 'p2'] as const) {
      const server = lab.#speak(place, ['serve', place, String(PORT)]);
      const ended = once(server, 'close').then(() => Promise.reject(new Error(`The server at ${place} ended`)));
      await Promise.race([once(server.stdout, 'data'), ended]);
      ended.catch(() => {});
    }
    return lab;
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.kill('SIGKILL');
    for (const name of NAMES) sh(`ip netns delete ${name}`);
  }

  /** What came of each that is not as the tracer says, in words; all are asked at once. */
  async wrong(model: RuleModel, questions: readonly Question[]): Promise<string[]> {
    const traced = questions.map(({ at, protocol, to, port }) => {
      const from = addressOf[at][familyOf(to) ?? 'IPv4'];
      return { from, ...trace(model, { from, to, port, protocol }) };
    });
    const answers = await this.ask(questions, (at) => (traced[at]?.verdict === 'drop' ? SILENCE_MS : PATIENCE_MS));
    return questions.flatMap(({ at, protocol, to, port }, number) => {
      const one = traced[number];
      const answer = answers[number] ?? 'nothing';
      const gateway = GATEWAY[familyOf(to) ?? 'IPv4'];
      const wanted = one?.endpoints.map(({ address, masqueraded }) => {
        const place = NAMES.find((name) => Object.values<string>(addressOf[name]).includes(address));
        return `${place} ${masqueraded ? gateway : one.from}`;
      });
      const words = one?.verdict === 'drop' ? ['silent'] : one?.verdict === 'forward' ? wanted : ['refused'];
      if (words?.includes(answer) === true) return [];
      return [`${protocol} from ${at} to ${to} port ${port}: ${answer}, and not ${words?.join(' or ')}`];
    });
  }

  async ask(questions: readonly Question[], patience: (at: number) => number = () => PATIENCE_MS): Promise<string[]> {
    const answers: string[] = [];
    for (const place of NAMES) {
      const own = questions.map((question, at) => ({ ...question, number: at })).filter(({ at }) => at === place);
      if (own.length === 0) continue;
      const asked = own.map(({ protocol, to, port, number }) => {
        const from = addressOf[place][familyOf(to) ?? 'IPv4'];
        return { protocol, from, to, port, patience: patience(number) };
      });
      const client = this.#speak(place, ['ask', JSON.stringify(asked)]);
      let said = '';
      client.stdout.on('data', (data) => {
        said += data;
      });
      await once(client, 'close');
      for (const [at, answer] of (JSON.parse(said) as string[]).entries()) answers[own[at]?.number ?? 0] = answer;
    }
    return answers;
  }

  /** A connection that stays: each call asks once more on it. */
  hold(place: Place, to: string, port: number): { next(): Promise<string>; end(): void } {
    const client = this.#speak(place, ['hold', to, String(port)]);
    const lines: Interface = createInterface({ input: client.stdout });
    const heard = lines[Symbol.asyncIterator]();
    return {
      async next() {
        client.stdin.write('\n');
        return String((await heard.next()).value);
      },
      end: () => void client.stdin.end(),
    };
  }

  #speak(place: Place, words: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn('nsenter', [`--net=${netns(place)}`, '--', process.execPath, SPEAKER, ...words]);
    child.stderr.pipe(process.stderr);
    this.#servers.push(child);
    return child;
  }
}

function namespaces(): string {
  const settings = [
    'ipv4/ip_forward=1',
    'ipv6/conf/all/forwarding=1',
    'ipv6/conf/default/accept_dad=0',
    'ipv4/conf/all/rp_filter=0',
    'ipv4/conf/default/rp_filter=0',
    'ipv4/icmp_ratemask=0',
    'ipv6/icmp/ratelimit=0',
  ].map((line) => line.replace(/(.*)=(.*)/, 'echo $2 >/proc/sys/net/$1'));
  const lines = NAMES.flatMap((name) => [
    `ip netns add ${name}`,
    `nsenter --net=${netns(name)} -- sh -ec '${settings.join('; ')}; ip link set lo up'`,
  ]);
  for (const place of ['p1', 'p2', 'out'] as const) {
    lines.push(`ip -n n1 link add v-${place} type veth peer name eth0 netns ${place}`);
    lines.push(`ip -n n1 link set v-${place} up`, `ip -n ${place} link set eth0 up`);
    for (const family of ['IPv4', 'IPv6'] as const) {
      const [six, length] = family === 'IPv4' ? ['', 32] : ['-6 ', 128];
      const nodad = family === 'IPv4' ? '' : ' nodad';
      const gateway = place === 'out' ? addressOf.n1[family] : GATEWAY[family];
      lines.push(
        `ip -n n1 addr add ${gateway}/${length} dev v-${place}${nodad}`,
        `ip -n ${place} addr add ${addressOf[place][family]}/${length} dev eth0${nodad}`,
        `ip -n n1 ${six}route add ${addressOf[place][family]} dev v-${place}`,
        `ip -n ${place} ${six}route add ${gateway} dev eth0`,
        `ip -n ${place} ${six}route add default via ${gateway}`,
      );
    }
  }
  // Whatever is not served goes nowhere, and is refused.
  lines.push('ip -n n1 route add unreachable default', 'ip -n n1 -6 route add unreachable default');
  return lines.join('\n');
}
