// The table as the kernel has it: brought into force, taken over, repaired and removed. What packets meet is the contract's matter.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { privilegedObstacle, uniqueName } from '#lib/sys/testing.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { L4Driver } from '../contract.ts';
import { createNftablesDriver } from './driver.ts';
import type { WriterName } from './writer.ts';

const hasNft = spawnSync('nft', ['--version']).status === 0;
const obstacle = privilegedObstacle() ?? (hasNft ? undefined : 'nft is not installed');
const allowed = kernelAllows(obstacle, 'the nftables driver');
const writers: readonly WriterName[] = ['netlink', 'nft'];
const test = it.runIf(allowed);

const name = uniqueName('nft');
const nft = (line: string): string => {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', name, 'nft', ...line.split(' ')]);
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString();
};
const warnings: string[] = [];
const create = (writer: WriterName): L4Driver =>
  createNftablesDriver({
    netns: `/run/netns/${name}`,
    owner: 'test',
    warn: (message) => warnings.push(message),
    writer,
  });

beforeAll(() => obstacle === undefined && spawnSync('ip', ['netns', 'add', name]));
afterAll(() => obstacle === undefined && spawnSync('ip', ['netns', 'del', name]));

const endpoints = ['10.244.0.2', '10.244.1.2'].map((address, at) => l4Endpoint(address, { node: `n${at + 1}` }));
const web = l4Port({
  endpoints,
  affinitySeconds: 10,
  nodePort: 30_080,
  loadBalancerIPs: ['203.0.113.5'],
  loadBalancerSources: ['198.51.100.0/24'],
  externalLocal: true,
});
const hashed = l4Port({ service: 'shop/hashed', clusterIP: '10.96.0.20', pick: 'source_hash', endpoints });
const six = l4Port({ service: 'shop/six', family: 'IPv6', protocol: 'UDP', internalLocal: true });
const bookOf = (...ports: readonly L4ServicePort[]): RuleBook => {
  const book = new RuleBook(nodeFacts());
  book.change(new Map(ports.map((port) => [port.name, port])));
  return book;
};

test.for(writers)('has what it should have after every change, and nothing when it ends (%s)', async (writer) => {
  const driver = create(writer);
  const book = bookOf(web, six);
  await driver.apply(book.whole());
  const clean = { restored: 0, removed: 0 };
  expect(await driver.verify()).toEqual(clean);
  const steps: ReadonlyMap<string, L4ServicePort | undefined>[] = [
    new Map([[web.name, { ...web, endpoints: endpoints.slice(0, 1) }]]),
    new Map([[hashed.name, hashed]]),
    new Map([[web.name, { ...web, affinitySeconds: 0, externalLocal: false, endpoints }]]),
    new Map([[hashed.name, { ...hashed, endpoints: endpoints.slice(1) }]]),
    new Map([
      [web.name, undefined],
      [six.name, { ...six, endpoints: [l4Endpoint('fd00:10:244::5', { node: 'n1' })] }],
    ]),
  ];
  for (const step of steps) {
    const update = book.change(step);
    if (update !== undefined) await driver.apply(update);
    expect(await driver.verify()).toEqual(clean);
  }
  const moved = book.changeNode(nodeFacts({ podRanges: ['10.244.0.0/16', '10.244.1.0/24', '10.245.0.0/16'] }));
  if (moved !== undefined) await driver.apply(moved);
  expect(await driver.verify()).toEqual(clean);
  await driver.close();
  expect(nft('list ruleset')).toBe('');
  expect(warnings).toEqual([]);
});

test.for(writers)('can be listed by whoever lists the rules of the machine (%s)', async (writer) => {
  const driver = create(writer);
  const remembering = l4Port({
    service: 'shop/six',
    family: 'IPv6',
    clusterIP: 'fd00:10:96::6',
    affinitySeconds: 60,
    endpoints: [l4Endpoint('fd00:10:244::5', { node: 'n1' }), l4Endpoint('fd00:10:244::6', { node: 'n2' })],
  });
  await driver.apply(bookOf(web, hashed, remembering).whole());
  for (const format of ['', '--json ']) {
    const listed = nft(`${format}list ruleset`);
    for (const word of ['10.96.0.10', 'fd00:10:96::6', 'affinity-', 'random-']) expect(listed).toContain(word);
  }
  await driver.close();
});

test.for(writers)('takes over what an earlier run left, whatever became of it (%s)', async (writer) => {
  const first = create(writer);
  await first.apply(bookOf(web, hashed).whole());
  await first.close(true);
  nft('add element ip evenkeel-test affinity-tcp { 198.51.100.7 . 77 timeout 1h : 10.244.0.2 . 8080 }');
  nft('delete map ip evenkeel-test remember'.replace('delete', 'flush'));
  nft('flush chain ip evenkeel-test leave');
  const second = create(writer);
  await second.apply(bookOf(web, six).whole());
  expect(await second.verify()).toEqual({ restored: 0, removed: 0 });
  expect(nft('list map ip evenkeel-test affinity-tcp')).toContain('198.51.100.7 . 77');
  expect(nft('list chains')).not.toContain('hash-');
  await second.close();
  nft('add table ip evenkeel-test');
  nft('add map ip evenkeel-test services { type ipv4_addr : verdict ; }');
  const third = create(writer);
  await third.apply(bookOf(web).whole());
  expect(await third.verify()).toEqual({ restored: 0, removed: 0 });
  await third.close();
});

/** What a proxy of the layout before left in force for `web` at its ClusterIP, as far as packets of this test meet it. */
const FORMER = `
add table ip evenkeel-test
add map ip evenkeel-test services { type ipv4_addr . inet_proto . inet_service : verdict; }
add map ip evenkeel-test refusals { type ipv4_addr . inet_proto . inet_service : verdict; }
add map ip evenkeel-test endpoints-tcp { typeof ip daddr . meta l4proto . tcp dport . numgen random mod 2 : ip daddr . tcp dport; }
add chain ip evenkeel-test layout-2
add chain ip evenkeel-test random-1
add chain ip evenkeel-test translate
add chain ip evenkeel-test translate-output { type nat hook output priority -100; policy accept; }
add rule ip evenkeel-test translate ip daddr . meta l4proto . th dport vmap @services
add rule ip evenkeel-test translate-output jump translate
add rule ip evenkeel-test random-1 meta l4proto tcp dnat ip to ip daddr . meta l4proto . tcp dport . numgen random mod 1 map @endpoints-tcp
add element ip evenkeel-test services { 10.96.0.10 . tcp . 80 : goto random-1 }
add element ip evenkeel-test endpoints-tcp { 10.96.0.10 . tcp . 80 . 0 : 10.244.0.2 . 8080 }
`;

/** An echo at the endpoint; one connection through the Service that stays, and new ones until told to end. */
const CLIENT = `
const { createServer, connect } = require('node:net');
const ask = (socket) => new Promise((resolve, reject) => { socket.once('data', resolve); socket.once('error', reject); socket.write('x'); });
const fresh = async () => { const socket = connect({ host: '10.96.0.10', port: 80, signal: AbortSignal.timeout(5000) }); await ask(socket); socket.destroy(); };
createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(8080, '10.244.0.2', async () => {
  let [made, failed, ending] = [0, 0, false];
  const kept = connect({ host: '10.96.0.10', port: 80 });
  await ask(kept);
  console.log('connected');
  process.stdin.once('data', () => { ending = true; });
  while (!ending) { try { await fresh(); made++; } catch { failed++; } }
  await ask(kept);
  console.log(JSON.stringify({ made: made > 0, failed }));
  process.exit();
});`;

test.for(writers)('takes over from the layout before without losing a connection (%s)', async (writer) => {
  for (const words of ['link set lo up', 'addr add 10.244.0.2/32 dev lo', 'route replace default dev lo']) {
    spawnSync('ip', ['-n', name, ...words.split(' ')]);
  }
  spawnSync('ip', ['netns', 'exec', name, 'nft', '-f', '-'], { input: FORMER });
  const client = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', CLIENT]);
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  try {
    expect((await lines.next()).value).toBe('connected');
    const driver = create(writer);
    await driver.apply(bookOf(l4Port({ endpoints: endpoints.slice(0, 1) })).whole());
    client.stdin.write('end\n');
    expect(JSON.parse((await lines.next()).value ?? '')).toEqual({ made: true, failed: 0 });
    expect(await driver.verify()).toEqual({ restored: 0, removed: 0 });
    expect(nft('list chains')).not.toContain('layout-2');
    await driver.close();
    expect(warnings).toEqual([]);
  } finally {
    client.kill('SIGKILL');
  }
});

test.for(writers)(
  'repairs what others changed, and writes everything again when a change meets it (%s)',
  async (writer) => {
    const driver = create(writer);
    const book = bookOf(web, hashed);
    await driver.apply(book.whole());
    await driver.verify();
    for (const map of ['services', 'service-ways']) nft(`flush map ip evenkeel-test ${map}`);
    nft('flush set ip evenkeel-test by-source');
    nft('add element ip evenkeel-test cluster-ips { 10.96.0.99 }');
    expect(await driver.verify()).toEqual({ restored: 4, removed: 1 });
    nft('add rule ip evenkeel-test guard drop');
    expect((await driver.verify()).restored).toBeGreaterThan(0);
    expect(nft('list chain ip evenkeel-test guard')).not.toMatch(/^\s*drop$/m);
    nft('delete table ip evenkeel-test');
    expect((await driver.verify()).restored).toBeGreaterThan(0);
    nft('flush set ip evenkeel-test by-source');
    const update = book.change(new Map([[web.name, undefined]]));
    if (update !== undefined) await driver.apply(update);
    expect(warnings.splice(0)).toEqual([expect.stringContaining('the whole table is written again')]);
    expect(await driver.verify()).toEqual({ restored: 0, removed: 0 });
    await driver.close();
  },
);

test.for(writers)('takes source ranges that overlap, in any spelling (%s)', async (writer) => {
  const driver = create(writer);
  const loadBalancerSources = ['10.0.0.5/8', '10.1.0.0/16', '198.51.100.7/32', '198.51.100.7/32', '203.0.113.0/25'];
  const sources6 = ['2001:DB8:0::/48', '2001:db8:0:1::/64', '2001:db8:9::1/128'];
  const book = bookOf(
    { ...web, loadBalancerSources },
    { ...six, loadBalancerIPs: ['2001:db8:5::5'], loadBalancerSources: sources6, affinitySeconds: 60 },
  );
  await driver.apply(book.whole());
  expect(await driver.verify()).toEqual({ restored: 0, removed: 0 });
  await driver.close();
  expect(warnings).toEqual([]);
});

test('says what is wrong where it may not change rules', async () => {
  const driver = createNftablesDriver({ netns: '/run/netns/none-such', warn: () => {} });
  await expect(driver.apply(bookOf(web).whole())).rejects.toThrow(/nftables.* failed: .+/i);
});

// A packet between two transactions cannot be held still: what it finds, a slot that is not there any more, can be made.
test.for(writers)('leads a packet anew that finds its slot gone (%s)', async (writer) => {
  const driver = create(writer);
  const slots = l4Port({ protocol: 'UDP', endpoints });
  await driver.apply(bookOf(slots).whole());
  const listed = nft('list map ip evenkeel-test endpoints-udp');
  const [element = ''] = /10\.96\.\S+ \. udp \. \d+ \. (0x00000001|1)(?= :)/.exec(listed) ?? [];
  expect(element).not.toBe('');
  nft(`delete element ip evenkeel-test endpoints-udp { ${element} }`);
  nft('add table ip seen');
  nft('add chain ip seen sent { type filter hook output priority 200 ; }');
  nft('add rule ip seen sent ip daddr 10.244.0.2 udp dport 8080 counter');
  nft('add chain ip seen asked { type filter hook output priority -300 ; }');
  nft(`add rule ip seen asked ip daddr ${slots.clusterIP} udp dport 80 counter`);
  for (const line of [
    'link set lo up',
    'link add seen0 type veth peer name seen1',
    'link set seen0 up',
    'link set seen1 up',
    'route add default dev seen0',
  ]) {
    spawnSync('ip', ['-n', name, ...line.split(' ')]);
  }
  const program = `
    const { createSocket } = require('node:dgram');
    for (let at = 0; at < 400; at++) createSocket('udp4').on('error', () => {}).send('?', 80, '${slots.clusterIP}', function () { this.close(); });`;
  spawnSync('ip', ['netns', 'exec', name, process.execPath, '-e', program]);
  const counts = [...nft('list table ip seen').matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
  nft('delete table ip seen');
  await driver.close();
  const [sent = 0, asked = 0] = counts;
  expect(asked).toBeGreaterThan(300);
  // Of two slots one is gone: half of the packets find theirs at the first look, half of the others at the second.
  expect(sent / asked).toBeGreaterThan(0.63);
  expect(sent / asked).toBeLessThan(0.87);
});
