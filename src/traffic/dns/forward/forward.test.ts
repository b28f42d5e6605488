// Names of others: which resolver is asked, what is remembered, and what a client hears when nobody answers.
// Real sockets; the resolvers are played, or a server of our own.
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { freePort } from '#test/support/tools.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import { askUdp, DnsLab, HOST, query } from '../testing/dns-lab.ts';
import { type Message, message, type ResourceRecord, rcodes, types } from '../wire/message.ts';
import { soaData } from '../wire/record-data.ts';
import { AnswerCache } from './cache.ts';
import { UpstreamHealth } from './health.ts';
import { parseStubDomain } from './stub-domain.ts';
import { nameserversOf, parseUpstream, resolvConf, searchesOf, upstreamName } from './upstream-address.ts';

const lab = new DnsLab();
afterEach(() => lab.close());

const record = (name: string, ttl = 60, last = 1): ResourceRecord => ({
  name,
  type: types.A,
  class: 1,
  ttl,
  data: Buffer.from([192, 0, 2, last]),
});

function reply(asked: Message, parts: Partial<Message> = {}): Message {
  const { id, questions } = asked;
  return message({ id, questions, response: true, answers: [record(questions[0]?.name ?? '')], ...parts });
}

const to = (...ports: number[]) => ({ upstreams: () => ports.map((port) => ({ address: HOST, port })) });

describe('a name of a zone with resolvers of its own', () => {
  it('is asked of those of the longest zone, and of nobody else', async () => {
    const [others, corp, lab1] = await Promise.all(
      [1, 2, 3].map((last) =>
        lab.resolver((asked) => reply(asked, { answers: [record(asked.questions[0]?.name ?? '', 60, last)] })),
      ),
    );
    const stub = (text: string, port = 0) => parseStubDomain(`${text}=${HOST}:${port}`);
    const stubs = [stub('corp.example', corp?.port), stub('lab.corp.example.', lab1?.port)].filter(
      (one) => one !== undefined,
    );
    const { port } = await lab.server(undefined, { ...to(others?.port ?? 0), stubs: () => stubs });
    const answer = async (name: string) => [...((await askUdp(port, query(name))).answers[0]?.data ?? [])].at(-1);
    expect(await answer('www.example')).toBe(1);
    expect(await answer('notcorp.example')).toBe(1);
    expect(await answer('corp.example')).toBe(2);
    expect(await answer('WWW.Corp.Example')).toBe(2);
    expect(await answer('a.lab.corp.example')).toBe(3);
    await corp?.close();
    const { rcode } = await askUdp(port, query('gone.corp.example'));
    expect(rcode).toBe(rcodes.SERVFAIL);
  });

  it.each([
    'corp.example',
    '=10.0.0.2',
    'corp.example=',
    'corp.example=ns.example',
    'a b=10.0.0.2',
    'corp.example=10.0.0.2,',
  ])('is not told by %j', (text) => expect(parseStubDomain(text)).toBeUndefined());
});

describe('a name of others', () => {
  it('is asked of the first resolver, once for all who ask, and remembered', async () => {
    const resolver = await lab.resolver((asked) => reply(asked));
    const { port, metricsText } = await lab.server(undefined, to(resolver.port));
    const replies = await Promise.all(['www.example.com', 'WWW.example.com'].map((name) => askUdp(port, query(name))));
    for (const each of replies) {
      expect(each).toMatchObject({ authoritative: false, rcode: 0, answers: [{ data: Buffer.from([192, 0, 2, 1]) }] });
    }
    await askUdp(port, query('www.example.com'));
    expect(resolver.asked()).toBe(1);
    expect(metricsText()).toContain('evenkeel_dns_cache_lookups_total{outcome="hit"} 1');
  });

  it('is asked of the next one when the first is silent, gone, refuses, or fails', async () => {
    const silent = await lab.resolver(() => undefined);
    const gone = await lab.resolver(() => undefined);
    await gone.close();
    const refusing = await lab.resolver((asked) => reply(asked, { rcode: rcodes.REFUSED, answers: [] }));
    const good = await lab.resolver((asked) => reply(asked));
    const { port } = await lab.server(undefined, {
      ...to(silent.port, gone.port, refusing.port, good.port),
      attemptMs: 50,
    });
    expect((await askUdp(port, query('a.example.com'))).answers).toHaveLength(1);
    expect((await askUdp(port, query('b.example.com'))).answers).toHaveLength(1);
    // Twice without an answer, and it is left alone.
    expect((await askUdp(port, query('c.example.com'))).answers).toHaveLength(1);
    expect(silent.asked()).toBe(2);
  });

  it('is asked of the next one when the kernel lets nothing out to the first', async () => {
    const good = await lab.resolver((asked) => reply(asked));
    // The address of everybody: refused to a socket that did not ask for it, as one without a route is.
    const upstreams = () => [
      { address: '255.255.255.255', port: 53 },
      { address: HOST, port: good.port },
    ];
    const { port } = await lab.server(undefined, { upstreams });
    expect((await askUdp(port, query('a.example.com'))).answers).toHaveLength(1);
  });

  it('has what the last one said when none knows better', async () => {
    const refusing = await lab.resolver((asked) => reply(asked, { rcode: rcodes.REFUSED, answers: [] }));
    const { port } = await lab.server(undefined, to(refusing.port));
    expect((await askUdp(port, query('a.example.com'))).rcode).toBe(rcodes.REFUSED);
  });

  it('is not believed of a stranger: wrong identifier, other question, bytes that are none', async () => {
    const resolver = await lab.resolver((asked) => reply(asked, { id: asked.id ^ 1 }));
    const other = await lab.resolver((asked) => reply(asked, { questions: [{ name: 'evil.com', type: 1, class: 1 }] }));
    const noise = await lab.resolver(() => Buffer.from('no message at all'));
    const { port } = await lab.server(undefined, { ...to(resolver.port, other.port, noise.port), attemptMs: 50 });
    expect((await askUdp(port, query('a.example.com'))).rcode).toBe(rcodes.SERVFAIL);
  });

  it('is not believed for another class, and only with the words of before from who does not know EDNS', async () => {
    const chaos = await lab.resolver((asked) =>
      reply(asked, { questions: asked.questions.map((each) => ({ ...each, class: 3 })) }),
    );
    const withEdns: boolean[] = [];
    const old = await lab.resolver((asked) => {
      if (asked.questions[0]?.type === types.A) withEdns.push(asked.edns !== undefined);
      const refusal = { rcode: rcodes.FORMERR, questions: [], answers: [] };
      return asked.edns === undefined ? reply(asked) : reply(asked, refusal);
    });
    const { port } = await lab.server(undefined, { ...to(chaos.port, old.port), attemptMs: 1_000 });
    expect((await askUdp(port, query('a.example.com'))).answers).toHaveLength(1);
    expect(withEdns).toEqual([true, false]);
  });

  it('is asked once more when a datagram was lost, by chance of its own each time', async () => {
    const seen: { readonly id: number; readonly port: number }[] = [];
    const resolver = await lab.resolver((asked, _, port) => {
      seen.push({ id: asked.id, port });
      return seen.length === 1 ? undefined : reply(asked);
    });
    const { port } = await lab.server(undefined, { ...to(resolver.port), attemptMs: 1_000 });
    for (let at = 0; at < 8; at++) {
      expect((await askUdp(port, query(`n${at}.example.com`))).rcode).toBe(rcodes.NOERROR);
    }
    // Two of nine may be the same by chance, hardly three.
    expect(new Set(seen.map(({ id }) => id)).size).toBeGreaterThanOrEqual(8);
    expect(new Set(seen.map((each) => each.port)).size).toBeGreaterThanOrEqual(8);
    const steps = seen.map(({ id }, at) => id - (seen[at - 1]?.id ?? 0));
    expect(new Set(steps).size).toBeGreaterThan(3);
  });

  it('is one of so many at a time; the next has to ask again', async () => {
    const heard = new Set<string | undefined>();
    const resolver = await lab.resolver((asked) => void heard.add(asked.questions[0]?.name));
    const { port } = await lab.server(undefined, { ...to(resolver.port), maxForwards: 2, attemptMs: 1_000 });
    const waiting = ['a', 'b'].map((name) => askUdp(port, query(`${name}.example.com`)));
    await eventually('two are under way', () => expect(resolver.asked()).toBe(2));
    expect((await askUdp(port, query('c.example.com'))).rcode).toBe(rcodes.SERVFAIL);
    expect(heard).not.toContain('c.example.com');
    expect((await Promise.all(waiting)).map(({ rcode }) => rcode)).toEqual([rcodes.SERVFAIL, rcodes.SERVFAIL]);
  });

  it('is not asked of anybody when the client did not ask for that', async () => {
    const resolver = await lab.resolver((asked) => reply(asked));
    const names = new Map([['db.shop.svc.cluster.local', [{ type: 'CNAME' as const, target: 'db.example.com' }]]]);
    const { port } = await lab.server(names, to(resolver.port));
    const alone = query('db.shop.svc.cluster.local', types.A, { recursionDesired: false });
    expect(await askUdp(port, alone)).toMatchObject({ rcode: rcodes.NOERROR, answers: [{ type: types.CNAME }] });
    expect((await askUdp(port, query('a.com', types.A, { recursionDesired: false }))).rcode).toBe(rcodes.REFUSED);
    expect(resolver.asked()).toBe(0);
  });

  it('is asked again over TCP when the answer does not fit', async () => {
    const upstream = await lab.server(
      new Map([['many.example.test', Array.from({ length: 200 }, (_, i) => addressRecord(`192.0.2.${i}`))]]),
      { domain: 'example.test' },
    );
    const { port } = await lab.server(undefined, to(upstream.port));
    const whole = await askUdp(
      port,
      query('many.example.test', types.A, { edns: { udpSize: 4096, version: 0, dnssecOk: false } }),
    );
    expect(whole.answers).toHaveLength(200);
  });

  it('ends the alias that an ExternalName is', async () => {
    const resolver = await lab.resolver((asked) => reply(asked));
    const names = new Map([['db.shop.svc.cluster.local', [{ type: 'CNAME' as const, target: 'db.example.com' }]]]);
    const { port } = await lab.server(names, to(resolver.port));
    const { answers } = await askUdp(port, query('db.shop.svc.cluster.local'));
    expect(answers.map(({ name, type }) => [name, type])).toEqual([
      ['db.shop.svc.cluster.local', types.CNAME],
      ['db.example.com', types.A],
    ]);
  });

  it('never comes from the server itself, nor from a resolver that asks it', async () => {
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_, text) => void warnings.push(text) };
    const port = await freePort();
    // Asks the very server that asks it.
    const circle = await lab.server(undefined, { domain: 'other.test', ...to(port) });
    await lab.server(undefined, { listen: [{ address: HOST, port }], ...to(port, circle.port), log });
    await eventually('the circle is seen', () =>
      expect(warnings).toEqual([expect.stringContaining('asks this very DNS server')]),
    );
    expect((await askUdp(port, query('a.example.com'))).rcode).toBe(rcodes.SERVFAIL);
    expect((await askUdp(port, query('b.example.com'))).rcode).toBe(rcodes.SERVFAIL);
  });
});

describe('what is remembered', () => {
  const negative = (minimum: number): ResourceRecord => ({
    name: 'com',
    type: types.SOA,
    class: 1,
    ttl: 900,
    data: soaData({ primary: 'a', mailbox: 'b', serial: 1, minimum }),
  });
  const resolved = (parts: Partial<Message>) => ({
    rcode: 0,
    answers: [],
    authorities: [],
    additionals: [],
    authenticData: false,
    ...parts,
  });

  it('loses time as it grows old, and is given once more when nobody answers', () => {
    const cache = new AnswerCache();
    cache.store('k', resolved({ answers: [record('x', 60), record('x', 30, 2)] }), 0);
    expect(cache.fresh('k', 10_000)?.answers.map(({ ttl }) => ttl)).toEqual([50, 20]);
    expect(cache.fresh('k', 30_000)).toBeUndefined();
    expect(cache.stale('k', 30_000)?.answers.map(({ ttl }) => ttl)).toEqual([30, 30]);
    expect(cache.stale('k', 2 * 86_400_000)).toBeUndefined();
  });

  it('is that there is no such name, as long as its zone says; and no failure', () => {
    const cache = new AnswerCache();
    cache.store('no', resolved({ rcode: rcodes.NXDOMAIN, authorities: [negative(20)] }), 0);
    expect(cache.fresh('no', 19_000)?.rcode).toBe(rcodes.NXDOMAIN);
    expect(cache.fresh('no', 20_000)).toBeUndefined();
    cache.store('bare', resolved({ rcode: rcodes.NXDOMAIN }), 0);
    cache.store('fail', resolved({ rcode: rcodes.SERVFAIL, authorities: [negative(20)] }), 0);
    cache.store('zero', resolved({ answers: [record('x', 0)] }), 0);
    expect(cache.size).toBe(1);
  });

  it('holds no longer than an alias that leads to nothing', () => {
    const cache = new AnswerCache();
    const alias = { ...record('x', 7), type: types.CNAME, data: Buffer.from([0]) };
    const parts = { rcode: rcodes.NXDOMAIN, answers: [alias], authorities: [negative(600)] };
    cache.store('k', resolved(parts), 0);
    expect(cache.fresh('k', 6_000)?.rcode).toBe(rcodes.NXDOMAIN);
    expect(cache.fresh('k', 7_000)).toBeUndefined();
  });

  it('is a failure for five seconds, unless there is an answer from before', async () => {
    const clock = new FakeClock();
    let rcode: number = rcodes.NOERROR;
    const resolver = await lab.resolver((asked) => reply(asked, rcode === 0 ? {} : { rcode, answers: [] }));
    const { port } = await lab.server(undefined, { ...to(resolver.port), clock });
    await askUdp(port, query('old.example.com'));
    rcode = rcodes.SERVFAIL;
    clock.advance(61_000);
    for (let at = 0; at < 3; at++) expect((await askUdp(port, query('new.example.com'))).rcode).toBe(rcode);
    expect(resolver.asked()).toBe(2);
    expect(await askUdp(port, query('old.example.com'))).toMatchObject({ rcode: 0, answers: [{ ttl: 30 }] });
    clock.advance(5_000);
    rcode = rcodes.NOERROR;
    expect((await askUdp(port, query('new.example.com'))).rcode).toBe(rcodes.NOERROR);
  });

  it('is asked for anew ahead of its end, while others still get it', async () => {
    const clock = new FakeClock();
    const resolver = await lab.resolver((asked) => reply(asked));
    const { port } = await lab.server(undefined, { ...to(resolver.port), clock });
    for (let at = 0; at < 3; at++) await askUdp(port, query('a.example.com'));
    clock.advance(53_000);
    await askUdp(port, query('a.example.com'));
    expect(resolver.asked()).toBe(1);
    clock.advance(2_000);
    expect((await askUdp(port, query('a.example.com'))).answers[0]?.ttl).toBe(5);
    await eventually('the answer is fresh', async () =>
      expect((await askUdp(port, query('a.example.com'))).answers[0]?.ttl).toBe(60),
    );
    expect(resolver.asked()).toBe(2);
  });

  it('is no more than there is room for, the least used going first', () => {
    const cache = new AnswerCache(2);
    for (const key of ['a', 'b']) cache.store(key, resolved({ answers: [record(key)] }), 0);
    cache.fresh('a', 1);
    cache.store('c', resolved({ answers: [record('c')] }), 1);
    expect(['a', 'b', 'c'].map((key) => cache.fresh(key, 2) !== undefined)).toEqual([true, false, true]);
  });

  it('is given again while the resolvers are gone', async () => {
    const clock = new FakeClock();
    const resolver = await lab.resolver((asked) => reply(asked));
    const { port } = await lab.server(undefined, { ...to(resolver.port), clock });
    expect((await askUdp(port, query('a.example.com'))).answers[0]?.ttl).toBe(60);
    await resolver.close();
    clock.advance(61_000);
    expect(await askUdp(port, query('a.example.com'))).toMatchObject({ rcode: 0, answers: [{ ttl: 30 }] });
  });
});

describe('resolvers', () => {
  const all = [1, 2].map((port) => ({ address: HOST, port }));
  const [first, second] = all as [(typeof all)[0], (typeof all)[0]];

  it('rest after two failures in a row, and one question tries them again', () => {
    const health = new UpstreamHealth();
    health.failed(first, 0);
    expect(health.choose(all, 0)).toEqual([first, second]);
    health.failed(first, 0);
    expect(health.choose(all, 0)).toEqual([second]);
    expect(health.choose(all, 2_000)).toEqual([second, first]);
    expect(health.choose(all, 2_000)).toEqual([second]);
    health.succeeded(first);
    expect(health.choose(all, 2_000)).toEqual([first, second]);
    health.loops(second, 2_000);
    expect(health.choose(all, 2_000)).toEqual([first]);
    expect(health.choose(all, 62_000)).toEqual([first, second]);
  });

  it('are read as people write them', () => {
    const shown = (text: string) => {
      const upstream = parseUpstream(text);
      return upstream && upstreamName(upstream);
    };
    expect(['1.1.1.1', '1.1.1.1:5353', 'fd00::1', '[fd00::1]', '[fd00::1]:54'].map(shown)).toEqual([
      '1.1.1.1:53',
      '1.1.1.1:5353',
      '[fd00::1]:53',
      '[fd00::1]:53',
      '[fd00::1]:54',
    ]);
    expect(['', 'dns.google', '1.1.1.1:0', '1.1.1.1:x', '1.1.1:53', '[x]:53'].map(shown)).toEqual(
      Array(6).fill(undefined),
    );
    expect(nameserversOf('# nameserver 9.9.9.9\nnameserver 1.1.1.1 # x\n  nameserver fd00::1\nnameserver x\n')).toEqual(
      [
        { address: '1.1.1.1', port: 53 },
        { address: 'fd00::1', port: 53 },
      ],
    );
    expect(searchesOf('domain a.test\nsearch B.test c.test.\n#search d')).toEqual(['b.test', 'c.test']);
    expect(resolvConf('/nonexistent/resolv.conf', new FakeClock(), nameserversOf)()).toEqual([]);
  });
});
