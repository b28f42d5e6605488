// One load of Services by a driver, and changes after it, in a process of its own so that its memory can be told.
// Run with: namespace, number of Services, writer of nftables or iptables-driver. Prints one JSON object.
import { readFileSync } from 'node:fs';
import { createIptablesDriver } from '../../src/traffic/kernel/iptables/driver.ts';
import { createNftablesDriver } from '../../src/traffic/kernel/nftables/driver.ts';
import type { WriterName } from '../../src/traffic/kernel/nftables/writer.ts';
import type { L4ServicePort } from '../../src/traffic/model/l4/service-port.ts';
import { RuleBook } from '../../src/traffic/snapshot/rules/rule-book.ts';
import { median } from '../lib/statistics.ts';
import { NODE, service, services } from './cluster.ts';

const [netns = '', words = '', writer = 'netlink'] = process.argv.slice(2);
const count = Number(words);
const CHANGES = 15;
const MANY = 1_000;

const memory = (field: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

/** Milliseconds by the clock and of CPU: without others in the way they are the same but for what `nft` does. */
async function timed(work: () => Promise<void>): Promise<{ ms: number; cpu: number }> {
  const [began, used] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(used);
  return { ms: performance.now() - began, cpu: (user + system) / 1000 };
}

const ports = services(count);
const before = memory('VmRSS');
const book = new RuleBook(NODE);
const options = { netns, owner: 'bench', warn: console.error };
const driver =
  writer === 'iptables-driver'
    ? createIptablesDriver(options)
    : createNftablesDriver({ ...options, writer: writer as WriterName });
const compile = await timed(async () => void book.change(ports));
const cold = await timed(() => driver.apply(book.whole()));
const [peak, after] = [memory('VmHWM'), memory('VmRSS')];

const changes = async (make: (at: number) => L4ServicePort): Promise<{ ms: number; cpu: number }> => {
  const found: { ms: number; cpu: number }[] = [];
  for (let at = 0; at < CHANGES; at++) {
    const port = make(at);
    found.push(
      await timed(async () => {
        const update = book.change(new Map([[port.name, port]]));
        if (update !== undefined) await driver.apply(update);
      }),
    );
  }
  return { ms: median(found.map(({ ms }) => ms)), cpu: median(found.map(({ cpu }) => cpu)) };
};
const oneMore = await changes((at) => service(count + at));
const oneEndpoint = await changes((at) => service(at % count, 2, 2_000_000 + 2 * at));
const many = service(count + CHANGES, MANY, 3_000_000);
const manyCome = await timed(async () => driver.apply(book.change(new Map([[many.name, many]])) ?? book.whole()));
const manyLess = await changes((at) => ({ ...many, endpoints: many.endpoints.slice(at + 1) }));
const check = await timed(async () => void (await driver.verify()));
await driver.close();
console.log(
  JSON.stringify({
    before,
    after,
    peak,
    compile,
    cold,
    oneMore,
    oneEndpoint,
    manyCome,
    manyLess,
    check,
    end: memory('VmHWM'),
  }),
);
