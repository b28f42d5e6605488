// What is IPVS's own, with a real one: endpoints that drain, schedulers, and what others do to what is there.
// Where packets go is the contract's (contract.test.ts).
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { inGuest } from '#test/support/uml/tests-in-guest.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { L4Driver } from '../contract.ts';
import { createIpvsDriver } from './driver.ts';
import { parseSaved, tableChange } from './restore-text.ts';
import { addressKey, type IpvsTable, schedulers } from './table.ts';
import { addressOf, Lab, netns, type Question, sh } from './testing/lab.ts';

const tools = ['ipvsadm', 'ipset', 'iptables', 'nsenter'];

inGuest(import.meta.url, 'the IPVS driver', { tools, modules: ['ipv6'], memoryMb: 768, timeoutMs: 900_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.make();
  }, 300_000);
  afterAll(() => lab?.close());

  const drivers: L4Driver[] = [];
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.close();
  }, 120_000);

  async function begin(
    ports: readonly L4ServicePort[],
  ): Promise<{ driver: L4Driver; book: RuleBook; set: (...ports: L4ServicePort[]) => Promise<void> }> {
    const book = new RuleBook(nodeFacts());
    book.change(new Map(ports.map((port) => [port.name, port])));
    const warn = (message: string): void => expect.unreachable(message);
    const driver = createIpvsDriver({ netns: netns('n1'), owner: 'test', warn });
    drivers.push(driver);
    await driver.apply(book.whole());
    const set = async (...changed: L4ServicePort[]): Promise<void> => {
      const update = book.change(new Map(changed.map((port) => [port.name, port])));
      if (update !== undefined) await driver.apply(update);
    };
    return { driver, book, set };
  }

  const at = (place: 'p1' | 'p2', family: Family, facts: Partial<L4Endpoint> = {}): L4Endpoint =>
    l4Endpoint(addressOf[place][family], { node: place === 'p1' ? 'n1' : 'n2', ...facts });

  test('a connection goes on while its endpoint drains, which ends with it', async () => {
    const web = l4Port({ endpoints: [at('p1', 'IPv4')] });
    const { driver, set } = await begin([web]);
    const held = lab.hold('out', web.clusterIP, 80);
    try {
      expect(await held.next()).toMatch(/^p1 /);
      await set({ ...web, endpoints: [at('p2', 'IPv4')] });
      await driver.verify();
      expect(sh('ipvsadm -S -n', 'n1')).toContain('-r 10.244.0.2:8080 -m -w 0');
      expect(await held.next()).toMatch(/^p1 /);
      const question: Question = { at: 'out', protocol: 'TCP', to: web.clusterIP, port: 80 };
      for (const answer of await lab.ask([question, question, question])) expect(answer).toMatch(/^p2 /);
      expect(await held.next()).toMatch(/^p1 /);
    } finally {
      held.end();
    }
    // What is left of a connection keeps its endpoint for some seconds more; then nothing does.
    await expect
      .poll(
        async () => {
          await driver.verify();
          return sh('ipvsadm -S -n', 'n1');
        },
        { timeout: 200_000, interval: 1000 },
      )
      .not.toContain('10.244.0.2');
  }, 300_000);

  test('the kernel takes the text of every scheduler, gives it back, and serves connections by it', async () => {
    const destinations = new Map([
      [`${addressOf.p1.IPv4}:8080`, 1],
      [`${addressOf.p2.IPv4}:8080`, 2],
    ]);
    const addresses = schedulers.map((_, number) => `10.96.1.${number + 1}`);
    const table: IpvsTable = new Map(
      schedulers.map((scheduler, number) => [
        addressKey('TCP', addresses[number] ?? '', 80),
        { scheduler, persistentSeconds: number % 2 === 0 ? 0 : 60, others: '', destinations },
      ]),
    );
    const lines = addresses.map((address) => `ip addr add ${address}/32 dev lo`);
    sh(`${lines.join('\n')}\nipvsadm -R <<X\n${tableChange(new Map(), table).makes.join('\n')}\nX`, 'n1');
    expect(parseSaved(sh('ipvsadm -S -n', 'n1'))).toEqual(table);
    const questions = addresses.map((to): Question => ({ at: 'out', protocol: 'TCP', to, port: 80 }));
    for (const answer of await lab.ask(questions)) expect(answer).toMatch(/^p[12] /);
    const removes = tableChange(table, new Map()).removes.join('\n');
    sh(`ipvsadm -R <<X\n${removes}\nX\n${lines.join('\n').replaceAll(' add ', ' del ')}`, 'n1');
    expect(sh('ipvsadm -S -n', 'n1')).toBe('');
  }, 200_000);

  test('what others take away comes back, what they add goes, and what is theirs stays', async () => {
    const others = () =>
      sh('ipvsadm -S -n; ipset save foreign; iptables-legacy-save | grep -v "^[#:]"', 'n1').match(
        /.*(9\.9\.9\.9|foreign).*/g,
      );
    sh('ipvsadm -A -t 9.9.9.9:9 -s rr; ipset create foreign hash:ip; iptables-legacy -N foreign', 'n1');
    const theirs = others();
    const web = l4Port({ endpoints: [at('p1', 'IPv4')], externalIPs: ['203.0.113.5'] });
    const { driver, book } = await begin([web]);
    const served = /\S+-served-4/.exec(sh('ipset list -n', 'n1'))?.[0];
    const device = /(ipvs-\w+)/.exec(sh('ip -o link', 'n1'))?.[1];
    sh(
      `ipvsadm -d -t 10.96.0.10:80 -r 10.244.0.2:8080
       ipvsadm -a -t 203.0.113.5:80 -r 10.244.0.77:1 -m
       ipset flush ${served}; ipset add ${served} 10.96.0.10,tcp:99
       ip addr del 203.0.113.5/32 dev ${device}; ip addr add 203.0.113.99/32 dev ${device}
       iptables-legacy -t nat -F POSTROUTING`,
      'n1',
    );
    const { restored, removed } = await driver.verify();
    // A destination, two elements, an address and a jump; an element, an address (the added destination drains away).
    expect({ restored, removed }).toEqual({ restored: 6, removed: 2 });
    expect(await driver.verify()).toEqual({ restored: 0, removed: 0 });
    const question: Question = { at: 'out', protocol: 'TCP', to: '203.0.113.5', port: 80 };
    expect(await lab.wrong(book.model, [question])).toEqual([]);
    await driver.close();
    expect(others()).toEqual(theirs);
    sh('ipvsadm -D -t 9.9.9.9:9; ipset destroy foreign; iptables-legacy -X foreign', 'n1');
  }, 200_000);
});
