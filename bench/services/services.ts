// The benchmark of Services in the kernel: loads and changes of many, beside the layouts of others, and what packets pay.
// Everything happens in network namespaces that it makes and removes. Knows no rule.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from '../lib/benchmark.ts';
import { isInstalled } from '../lib/processes.ts';
import { type Column, printJson, printTable, speaker } from '../lib/report.ts';
import { DRIVERS, type MeasuredDriver, MOST_SERVICES } from './drivers.ts';
import { iptablesOneMore, iptablesPerService, nftPerService } from './peers.ts';
import { type Process, processColumns, type Traffic, trafficColumns } from './traffic-tables.ts';

const LIMIT_MS = 300_000;
/** Of the server: it says at which of them it was asked. */
const ENDPOINTS = ['10.200.0.2', '10.200.0.3'] as const;

interface Time {
  readonly ms: number;
  readonly cpu: number;
}

type Peer = Time & { readonly name: string; readonly peak: number; readonly more: Time | undefined };
type Measure = 'compile' | 'cold' | 'oneMore' | 'oneEndpoint' | 'manyCome' | 'manyLess' | 'check';
type Load = Readonly<Record<Measure, Time>> & {
  readonly before: number;
  readonly after: number;
  readonly peak: number;
  readonly end: number;
};

export const services: Benchmark = {
  usage: {
    name: 'services',
    about: 'Services in the kernel: loads, changes and packets, beside the layouts of others. Needs root.',
    seconds: 1,
    rounds: 1,
    own: {
      counts: { default: '1000,10000,45000', help: 'Services of a load' },
      'most-peer': { default: 10_000, help: 'Services that others and iptables get at most' },
      'traffic-counts': { default: '10,1000,10000', help: 'Services while connections are made' },
      connections: { default: 800, help: 'of a series' },
      drivers: { default: DRIVERS.join(','), help: 'whose packets are measured' },
      'process-counts': { default: '1000,45000', help: 'Services of the whole program; 0 leaves it out' },
    },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const numbers = (name: string): number[] => options.text(name).split(',').map(Number);
    const results: Record<string, unknown> = {};
    const loads: { name: string; load: Load }[] = [];
    for (const count of numbers('counts')) {
      for (const writer of ['netlink', 'nft', 'iptables-driver']) {
        if (options.only.length > 0 && !options.only.includes(writer)) continue;
        if (writer === 'iptables-driver' && count > options.number('most-peer')) continue;
        say(`${count} Services by ${writer}`);
        const load = await within(async (ns) =>
          run<Load>('driver-run.ts', [`/run/netns/${ns}`, String(count), writer]),
        );
        loads.push({ name: `${count} by ${writer}`, load });
      }
    }
    results.loads = loads;
    if (!options.json && loads.length > 0)
      printTable('The driver: milliseconds (of CPU of its process), MB', columns, loads);

    const peers: Peer[] = [];
    for (const count of numbers('counts').filter((one) => one <= options.number('most-peer'))) {
      for (const { name, program, text, more } of PEERS) {
        if (options.only.length > 0 && !options.only.includes(name)) continue;
        if (isInstalled(program[0] as string)) {
          say(`${count} Services by ${name}`);
          const load = await within(async (ns) => {
            const cold = await loaded(ns, program, text(count));
            return { ...cold, more: more && (await loaded(ns, [...program, '--noflush'], more(count))) };
          });
          peers.push({ name: `${count}, ${name}`, ...load });
        } else say(`${name} is left out: ${program[0]} is not installed`);
      }
    }
    results.peers = peers;
    if (!options.json && peers.length > 0) printTable('Others: one load', peerColumns, peers);

    const wanted =
      options.only.length > 0 ? [] : DRIVERS.filter((name) => options.text('drivers').split(',').includes(name));
    const each = async <T>(counts: string, work: (name: MeasuredDriver, count: number) => Promise<T>): Promise<T[]> => {
      const found: T[] = [];
      for (const count of numbers(counts).filter((one) => one > 0)) {
        for (const name of wanted) {
          if (count > (MOST_SERVICES[name] ?? Number.POSITIVE_INFINITY))
            say(`${name} is left out: ${count} are too many`);
          else {
            say(`${count} Services by ${name}: ${counts.startsWith('traffic') ? 'connections' : 'the whole program'}`);
            found.push(await work(name, count));
          }
        }
      }
      return found;
    };
    const traffic = await each('traffic-counts', async (name, count) => ({
      name: `${count} by ${name}`,
      found: await withServer((ns) =>
        inside<Traffic>(ns, 'traffic-run.ts', [name, count, options.number('connections'), ENDPOINTS[0]]),
      ),
    }));
    results.traffic = traffic;
    if (!options.json && traffic.length > 0)
      printTable('A connection, direct and through a Service', trafficColumns, traffic);
    const whole = await each('process-counts', async (name, count) => ({
      name: `${count} by ${name}`,
      found: await withServer((ns) => inside<Process>(ns, 'process-run.ts', [name, count, ...ENDPOINTS])),
    }));
    results.process = whole;
    if (!options.json && whole.length > 0)
      printTable('evenkeel service-proxy, from an API server', processColumns, whole);
    if (options.json) printJson('services', args, results);
  },
};

const PEERS = [
  { name: 'a map for each', program: ['nft', '-f', '-'], text: nftPerService, more: undefined },
  { name: 'iptables', program: ['iptables-restore'], text: iptablesPerService, more: iptablesOneMore },
] as const;

const time = ({ ms, cpu }: Time): string => `${ms.toFixed(ms < 20 ? 2 : 0)} (${cpu.toFixed(cpu < 20 ? 2 : 0)})`;
const measure = (title: string, name: Measure): Column<{ name: string; load: Load }> => ({
  title,
  cell: ({ load }) => time(load[name]),
});
const columns: readonly Column<{ name: string; load: Load }>[] = [
  { title: 'Services', cell: ({ name }) => name },
  measure('compiled', 'compile'),
  measure('cold', 'cold'),
  measure('one more', 'oneMore'),
  measure('endpoint', 'oneEndpoint'),
  measure('1,000 endpoints', 'manyCome'),
  measure('one of them less', 'manyLess'),
  measure('verify', 'check'),
  { title: 'MB before', cell: ({ load }) => load.before.toFixed(0) },
  { title: 'after', cell: ({ load }) => load.after.toFixed(0) },
  { title: 'peak', cell: ({ load }) => load.peak.toFixed(0) },
  { title: 'of all', cell: ({ load }) => load.end.toFixed(0) },
];
const peerColumns: readonly Column<Peer>[] = [
  { title: 'Services', cell: ({ name }) => name },
  { title: 'cold ms (CPU)', cell: time },
  { title: 'one more', cell: ({ more }) => (more === undefined ? '' : time(more)) },
  { title: 'peak MB', cell: ({ peak }) => peak.toFixed(0) },
];
/** A namespace for the time of `work`. */
async function within<T>(work: (name: string) => Promise<T>): Promise<T> {
  const name = `evenkeel-bench-${randomBytes(3).toString('hex')}`;
  ip('netns', 'add', name);
  try {
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return await work(name);
  } finally {
    spawnSync('ip', ['netns', 'del', name]);
  }
}

/** Two namespaces, with a server in the other one. */
async function withServer<T>(work: (client: string) => Promise<T>): Promise<T> {
  return await within((client) =>
    within(async (server) => {
      ip('-n', client, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', server);
      for (const [name, address] of [
        [client, '10.200.0.1/24'],
        ...ENDPOINTS.map((one) => [server, `${one}/24`] as const),
      ] as const) {
        ip('-n', name, 'addr', 'add', address, 'dev', 'eth0');
        ip('-n', name, 'link', 'set', 'eth0', 'up');
      }
      ip('-n', client, 'route', 'add', 'default', 'via', ENDPOINTS[0]);
      const program = `require('net').createServer((s) => { s.on('error', () => {}); s.resume(); s.write(s.localAddress); s.on('end', () => s.end()); }).listen({ port: 8080, host: '0.0.0.0', backlog: 1024 }, () => console.log('ready'))`;
      const child = spawn('ip', ['netns', 'exec', server, process.execPath, '-e', program]);
      try {
        await new Promise((resolve) => child.stdout.once('data', resolve));
        return await work(client);
      } finally {
        child.kill('SIGKILL');
      }
    }),
  );
}

async function inside<T>(ns: string, file: string, words: readonly (string | number)[]): Promise<T> {
  return await run<T>(file, words.map(String), ['ip', 'netns', 'exec', ns]);
}

/** Runs a program of this folder to its end; what it printed. */
async function run<T>(file: string, args: readonly string[], prefix: readonly string[] = []): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const [program = '', ...words] = [...prefix, process.execPath, path, ...args];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return JSON.parse(text) as T;
}

/** Loads text in the namespace: time, CPU of the program, and the most memory it had. */
async function loaded(ns: string, program: readonly string[], text: string): Promise<Time & { peak: number }> {
  const before = childrenSeconds();
  const began = performance.now();
  // Without a shell between: the memory is that of the program itself.
  const child = spawn('nsenter', [`--net=/run/netns/${ns}`, '--', ...program], {
    stdio: ['pipe', 'inherit', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, highWater(child.pid ?? 0));
  }, 20);
  child.stdin.on('error', () => undefined);
  child.stdin.end(text);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`${program.join(' ')} ended with ${code}`);
  return { ms: performance.now() - began, cpu: (childrenSeconds() - before) * 1000, peak };
}

function highWater(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** CPU of children that have ended. */
function childrenSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')} failed: ${stderr}`);
}
