// Connections to an endpoint and to a Service of it, from a namespace where a driver has rules of many Services.
// Run inside that namespace with: driver, number of Services, connections, address of the endpoint. Prints one JSON object.
import { connect } from 'node:net';
import { RuleBook } from '../../src/traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint } from '../../src/traffic/snapshot/rules/testing.ts';
import { median, percentile } from '../lib/statistics.ts';
import { ask } from './ask.ts';
import { clusterIp, NODE, service, services } from './cluster.ts';
import { createMeasured, inGroup, type MeasuredDriver } from './drivers.ts';

const [name = '', words = '', connections = '', endpoint = ''] = process.argv.slice(2);
const count = Number(words);
const ROUNDS = 4;
const FIRST_PACKETS = 9;
const BYTES = 64 * 1024 * 1024;

async function series(address: string, port: number): Promise<{ times: number[]; cpu: number }> {
  const times: number[] = [];
  const used = process.cpuUsage();
  for (let at = 0; at < Number(connections) / ROUNDS; at++) times.push((await ask(address, port)).ms);
  const { user, system } = process.cpuUsage(used);
  return { times, cpu: (user + system) / times.length };
}

/** Megabytes a second over one connection. */
async function flow(address: string, port: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    const socket = connect({ host: address, port });
    const more = (): void => {
      while (sent < BYTES) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    socket.on('connect', more);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.resume();
  });
  return BYTES / 1e6 / ((performance.now() - began) / 1000);
}

const ours = (number: number) => ({ ...service(number), endpoints: [l4Endpoint(endpoint)] });
const book = new RuleBook(NODE);
const ports = new Map(services(count));
ports.set(ours(1).name, ours(1));
book.change(ports);
type Series = Awaited<ReturnType<typeof series>>;

async function measured(cgroup: string) {
  const driver = createMeasured(name as MeasuredDriver, cgroup);
  await driver.apply(book.whole());
  const [direct, through]: [Series[], Series[]] = [[], []];
  await series(endpoint, 8080);
  await series(clusterIp(1), 80);
  for (let round = 0; round < ROUNDS; round++) {
    direct.push(await series(endpoint, 8080));
    through.push(await series(clusterIp(1), 80));
  }
  const rates = { direct: await flow(endpoint, 8080), through: await flow(clusterIp(1), 80) };
  const first: number[] = [];
  for (let at = 0; at < FIRST_PACKETS; at++) {
    const port = ours(count + at);
    const began = performance.now();
    const update = book.change(new Map([[port.name, port]]));
    if (update !== undefined) await driver.apply(update);
    await ask(clusterIp(count + at), 80);
    first.push(performance.now() - began);
  }
  await driver.close();
  return { direct: summary(direct), through: summary(through), rates, first: median(first) };
}

const summary = (rounds: readonly Series[]) => {
  const times = rounds.flatMap((round) => round.times).sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), cpu: median(rounds.map(({ cpu }) => cpu)) };
};
console.log(JSON.stringify(await inGroup(name as MeasuredDriver, measured)));
