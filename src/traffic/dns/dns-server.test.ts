// The server as clients meet it: over UDP and TCP, with dig, with questions that are none.
// Real sockets; names are published as data.
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { hasTool } from '#test/support/tools.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsPart, DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { askTcp, askUdp, DnsLab, HOST, overUdp, query } from './testing/dns-lab.ts';
import { decode } from './wire/decode.ts';
import { encode } from './wire/encode.ts';
import { type Message, message, rcodes, types } from './wire/message.ts';

const lab = new DnsLab();
afterEach(() => lab.close());

const WEB = 'web.shop.svc.cluster.local';
const MANY = 'many.shop.svc.cluster.local';
const names: DnsPart = new Map<string, readonly DnsRecord[]>([
  [WEB, [addressRecord('10.96.0.7'), addressRecord('fd00::7')]],
  [MANY, Array.from({ length: 100 }, (_, index) => addressRecord(`10.244.0.${index + 1}`))],
  ['alias.shop.svc.cluster.local', [{ type: 'CNAME', target: WEB }]],
  ['lost.shop.svc.cluster.local', [{ type: 'CNAME', target: 'none.shop.svc.cluster.local' }]],
  ['round.shop.svc.cluster.local', [{ type: 'CNAME', target: 'about.shop.svc.cluster.local' }]],
  ['about.shop.svc.cluster.local', [{ type: 'CNAME', target: 'round.shop.svc.cluster.local' }]],
  ['7.0.96.10.in-addr.arpa', [{ type: 'PTR', target: WEB }]],
]);
const at = (port: number, ...addresses: string[]) => addresses.map((address) => ({ address, port }));
const edns = (udpSize: number, version = 0) => ({ edns: { udpSize, version, dnssecOk: false } });

describe('over UDP', () => {
  it('answers with authority, and repeats the question', async () => {
    const { port } = await lab.server(names);
    const reply = await askUdp(port, query(WEB));
    expect(reply).toMatchObject({
      id: 7,
      response: true,
      authoritative: true,
      recursionAvailable: true,
      recursionDesired: true,
      rcode: rcodes.NOERROR,
      questions: [{ name: WEB, type: types.A }],
      answers: [{ name: WEB, ttl: 5, data: Buffer.from([10, 96, 0, 7]) }],
    });
    expect(reply.edns).toBeUndefined();
  });

  it('fits an answer to what the client takes, and says when it is cut', async () => {
    const { port } = await lab.server(names);
    const plain = await overUdp(port, encode(query(MANY), 512));
    expect(plain.length).toBeLessThanOrEqual(512);
    expect(decode(plain)).toMatchObject({ truncated: true });
    const some = await askUdp(port, query(MANY, types.A, edns(1232)));
    expect(some.truncated).toBe(true);
    expect(some.answers.length).toBeGreaterThan(60);
    const whole = await askUdp(port, query(MANY, types.A, edns(4096)));
    expect(whole).toMatchObject({ truncated: false, edns: { udpSize: 4096, version: 0 } });
    expect(whole.answers).toHaveLength(100);
    // Less than the least counts as the least.
    expect((await askUdp(port, query(WEB, types.A, edns(1)))).answers).toHaveLength(1);
  });

  it('refuses what it does not do, each in the words for it', async () => {
    const { port } = await lab.server(names);
    const rcode = async (asked: Parameters<typeof message>[0]) =>
      (await askUdp(port, message({ id: 7, ...asked }))).rcode;
    const questions = [{ name: WEB, type: types.A, class: 1 }];
    expect(await rcode({ opcode: 5, questions })).toBe(rcodes.NOTIMP);
    expect(await rcode({ questions: [] })).toBe(rcodes.FORMERR);
    expect(await rcode({ questions: [...questions, ...questions] })).toBe(rcodes.FORMERR);
    expect(await rcode({ questions: [{ name: 'version.bind', type: types.TXT, class: 3 }] })).toBe(rcodes.REFUSED);
    expect(await rcode({ questions: [{ name: 'cluster.local', type: types.AXFR, class: 1 }] })).toBe(rcodes.REFUSED);
    expect(await rcode({ questions, ...edns(1232, 1) })).toBe(rcodes.BADVERS);
    // Not asked to go on to others.
    expect(await rcode({ questions: [{ name: 'example.com', type: types.A, class: 1 }] })).toBe(rcodes.REFUSED);
  });

  it('says of bytes that are cut that they are no question, and nothing to answers', async () => {
    const server = await lab.server(names);
    const bytes = encode(query(WEB), 512);
    const reply = decode(await overUdp(server.port, bytes.subarray(0, 20)));
    expect(reply).toMatchObject({ id: 7, response: true, rcode: rcodes.FORMERR, questions: [] });
    // The first gets nothing, so the reply is to the second.
    const answer = encode(query(WEB, types.A, { id: 1, response: true }), 512);
    const [first] = await Promise.all([
      askUdp(server.port, query(WEB, types.A, { id: 2 })),
      sendOnly(server.port, answer),
    ]);
    expect(first.id).toBe(2);
    expect(server.metricsText()).toContain('evenkeel_dns_dropped_total{reason="response"} 1');
  });

  it('follows an alias within the cluster to its end, or to where it breaks off', async () => {
    const { port } = await lab.server(names);
    const found = await askUdp(port, query('alias.shop.svc.cluster.local'));
    expect(found.answers.map(({ name, type }) => [name, type])).toEqual([
      ['alias.shop.svc.cluster.local', types.CNAME],
      [WEB, types.A],
    ]);
    const lost = await askUdp(port, query('lost.shop.svc.cluster.local'));
    expect(lost).toMatchObject({ rcode: rcodes.NXDOMAIN, answers: [{ type: types.CNAME }] });
    expect((await askUdp(port, query('round.shop.svc.cluster.local'))).rcode).toBe(rcodes.SERVFAIL);
    const itself = await askUdp(port, query('round.shop.svc.cluster.local', types.CNAME));
    expect(itself.answers).toHaveLength(1);
  });

  it('fails at once when there is nobody to ask', async () => {
    const { port } = await lab.server(names);
    expect((await askUdp(port, query('example.com'))).rcode).toBe(rcodes.SERVFAIL);
  });
});

function sendOnly(port: number, bytes: Buffer): Promise<void> {
  return import('node:dgram').then(
    ({ createSocket }) =>
      new Promise((resolve) => {
        const socket = createSocket('udp4');
        socket.send(bytes, port, HOST, () => socket.close(() => resolve()));
      }),
  );
}

describe('over TCP', () => {
  it('answers many questions of one connection, whole, also when its client has said all', async () => {
    const { port } = await lab.server(names);
    const asked = Array.from({ length: 200 }, (_, id) => query(id % 2 === 0 ? MANY : WEB, types.A, { id }));
    const replies = await askTcp(port, asked);
    expect(replies.map(({ id }) => id)).toEqual(asked.map(({ id }) => id));
    expect(replies.map(({ answers }) => answers.length)).toEqual(asked.map((_, id) => (id % 2 === 0 ? 100 : 1)));
  });

  it('keeps a part of the connections from each address', async () => {
    const server = await lab.server(names);
    const sockets = Array.from({ length: 140 }, () => connect(server.port, HOST));
    for (const socket of sockets) lab.after(async () => void socket.destroy());
    await eventually('twelve are refused', () => {
      expect(server.metricsText()).toContain('evenkeel_dns_dropped_total{reason="overload"} 12');
      expect(sockets.filter((socket) => !socket.closed)).toHaveLength(128);
    });
    for (const socket of sockets) socket.destroy();
    await eventually('there is room again', async () =>
      expect(await askTcp(server.port, [query(WEB)])).toHaveLength(1),
    );
  });

  it('listens at every address it is given, or at none', async () => {
    const server = await lab.server(names, { listen: at(0, HOST, '::1') });
    expect(server.endpoints.map(({ address }) => address)).toEqual([HOST, '::1']);
    await expect(lab.server(names, { listen: at(server.port, '127.0.0.2', HOST) })).rejects.toThrow('EADDRINUSE');
    // The first of the two was given back.
    const again = await lab.server(names, { listen: at(server.port, '127.0.0.2') });
    expect((await askUdp(server.port, query(WEB))).answers).toHaveLength(1);
    expect(again.endpoints).toHaveLength(1);
  });
});

describe('in place of a client that searches', () => {
  const shop = { first: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], last: ['corp.test'] };
  const start = async () => {
    const resolver = await lab.resolver(({ id, questions }) => {
      const [{ name = '' } = {}] = questions;
      const found = ['www.example.com', 'x.node.test', 'y.corp.test'].includes(name);
      const answer = { name, type: types.A, class: 1, ttl: 60, data: Buffer.from([192, 0, 2, 1]) };
      const rcode = name === 'broken.node.test' ? rcodes.SERVFAIL : found ? rcodes.NOERROR : rcodes.NXDOMAIN;
      return message({ id, questions, response: true, rcode, answers: found ? [answer] : [] });
    });
    const server = await lab.server(names, {
      upstreams: () => at(resolver.port, HOST),
      autopath: () => ['node.test'],
    });
    return { ...server, resolver };
  };
  const shown = ({ rcode, answers }: Message) => [rcode, ...answers.map(({ name, type }) => `${name} ${type}`)];

  it('finds what the client would have found, in one question, behind an alias', async () => {
    const { port, publishClients, metricsText } = await start();
    publishClients?.(new Map([['pod/shop/a', new Map([[HOST, shop]])]]));
    const found = async (name: string, type: number = types.A) =>
      shown(await askUdp(port, query(`${name}.shop.svc.cluster.local`, type)));
    const own = (name: string) => `${name}.shop.svc.cluster.local`;
    expect(await found('web')).toEqual([0, `${WEB} ${types.A}`]);
    expect(await found('web.shop')).toEqual([0, `${own('web.shop')} ${types.CNAME}`, `${WEB} ${types.A}`]);
    expect(await found('www.example.com')).toEqual([0, `${own('www.example.com')} 5`, 'www.example.com 1']);
    expect(await found('x')).toEqual([0, `${own('x')} 5`, 'x.node.test 1']);
    expect(await found('y')).toEqual([0, `${own('y')} 5`, 'y.corp.test 1']);
    expect(await found('alias.shop')).toEqual([
      0,
      `${own('alias.shop')} 5`,
      'alias.shop.svc.cluster.local 5',
      `${WEB} 1`,
    ]);
    // There is such a name, without such data: the client's search would end there too.
    expect(await found('web.shop', types.TXT)).toEqual([0, `${own('web.shop')} 5`]);
    expect(await found('none.example.com')).toEqual([rcodes.NXDOMAIN]);
    // Somebody did not answer: the client has to find out by itself.
    expect(await found('broken')).toEqual([rcodes.NXDOMAIN]);
    const [tcp] = await askTcp(port, [query(own('web.shop'))]);
    expect(tcp?.answers).toHaveLength(2);
    expect(metricsText()).toContain('evenkeel_dns_autopath_searches_total{outcome="found"} 7');
    expect(metricsText()).toContain('evenkeel_dns_autopath_searches_total{outcome="none"} 2');
  });

  it('does nothing for strangers, for other domains, and once the pod is gone', async () => {
    const { port, publishClients, resolver } = await start();
    const rcode = async (name: string) => (await askUdp(port, query(name))).rcode;
    expect(await rcode('web.shop.shop.svc.cluster.local')).toBe(rcodes.NXDOMAIN);
    publishClients?.(new Map([['pod/shop/a', new Map([[HOST, shop]])]]));
    expect(await rcode('web.shop.shop.svc.cluster.local')).toBe(rcodes.NOERROR);
    expect(await rcode('web.shop.other.svc.cluster.local')).toBe(rcodes.NXDOMAIN);
    // The address is another pod's now, and stays so when the first is found to be gone.
    const other = { first: ['other.svc.cluster.local', 'svc.cluster.local'], last: [] };
    publishClients?.(new Map([['pod/other/b', new Map([[HOST, other]])]]));
    publishClients?.(new Map([['pod/shop/a', undefined]]));
    expect(await rcode('web.shop.shop.svc.cluster.local')).toBe(rcodes.NXDOMAIN);
    expect(await rcode('web.shop.other.svc.cluster.local')).toBe(rcodes.NOERROR);
    publishClients?.(new Map([['pod/other/b', undefined]]));
    expect(await rcode('web.shop.other.svc.cluster.local')).toBe(rcodes.NXDOMAIN);
    expect(resolver.asked()).toBe(0);
  });
});

const run = promisify(execFile);

describe.runIf(hasTool('dig', 'DNS with dig'))('asked with dig', () => {
  const dig = async (port: number, ...args: string[]): Promise<string> => {
    const { stdout } = await run('dig', [`@${HOST}`, '-p', String(port), '+time=5', '+tries=1', ...args]);
    return stdout;
  };

  it('is understood over UDP, over TCP, and from one to the other', async () => {
    const { port } = await lab.server(names);
    expect(await dig(port, '+short', WEB, 'A')).toBe('10.96.0.7\n');
    expect(await dig(port, '+short', '+tcp', WEB, 'AAAA')).toBe('fd00::7\n');
    expect(await dig(port, '+short', '-x', '10.96.0.7')).toBe(`${WEB}.\n`);
    expect((await dig(port, '+short', '+bufsize=512', MANY)).trim().split('\n')).toHaveLength(100);
    expect((await dig(port, '+short', '+noedns', '+keepopen', MANY)).trim().split('\n')).toHaveLength(100);
    expect(await dig(port, 'none.cluster.local')).toContain('status: NXDOMAIN');
    expect(await dig(port, 'cluster.local', 'SOA')).toContain('flags: qr aa rd ra;');
    expect(await dig(port, '+short', 'dns-version.cluster.local', 'TXT')).toBe('"1.1.0"\n');
    expect(await dig(port, '+short', 'alias.shop.svc.cluster.local')).toBe(`${WEB}.\n10.96.0.7\n`);
    expect(await dig(port, '+edns=1', '+noednsnegotiation', WEB)).toContain('status: BADVERS');
    expect(await dig(port, '+cookie', '+dnssec', WEB)).toContain('flags: do;');
  });
});
