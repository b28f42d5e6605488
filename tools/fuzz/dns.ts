// Fuzzes the DNS server: mutated questions by UDP and TCP against the real one, which asks a resolver that mutates too.
// The laws: who asks properly is answered, nothing fails inside, and the short way says what the long way says.

import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsPart, DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { type DnsServer, startDnsServer } from '../../src/traffic/dns/dns-server.ts';
import { Forwarder } from '../../src/traffic/dns/forward/forwarder.ts';
import { DnsMetrics } from '../../src/traffic/dns/metrics.ts';
import { Responder } from '../../src/traffic/dns/server/responder.ts';
import { comparable } from '../../src/traffic/dns/testing/comparable.ts';
import { askTcp, askUdp, HOST, query } from '../../src/traffic/dns/testing/dns-lab.ts';
import { decode } from '../../src/traffic/dns/wire/decode.ts';
import { encode } from '../../src/traffic/dns/wire/encode.ts';
import { frame } from '../../src/traffic/dns/wire/frames.ts';
import { type Message, message, rcodes, types } from '../../src/traffic/dns/wire/message.ts';
import { ClusterZone } from '../../src/traffic/dns/zone/cluster-zone.ts';
import { mutated, segments } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';

const DOMAIN = 'cluster.local';
const WEB = `web.shop.svc.${DOMAIN}`;
const names: DnsPart = new Map<string, readonly DnsRecord[]>([
  [`shop.pod.${DOMAIN}`, []],
  [WEB, ['10.96.0.7', '10.96.0.8', 'fd00::7'].map(addressRecord)],
  [`_http._tcp.${WEB}`, [{ type: 'SRV', priority: 0, weight: 100, port: 80, target: WEB }]],
  [`far.shop.svc.${DOMAIN}`, [{ type: 'CNAME', target: 'www.example.com' }]],
  ['7.0.96.10.in-addr.arpa', [{ type: 'PTR', target: WEB }]],
]);
const zoneOptions = { domain: DOMAIN, ttl: 5, ranges: ['10.96.0.0/16'], anyPodAddress: true };
const edns = { udpSize: 4096, version: 0, dnssecOk: true };

const questions: readonly Message[] = [
  query(WEB),
  query(WEB, types.AAAA, { edns }),
  query(WEB, types.ANY, { edns }),
  query(`_http._tcp.${WEB}`, types.SRV),
  query('7.0.96.10.in-addr.arpa', types.PTR),
  query(DOMAIN, types.SOA, { edns }),
  query(`far.shop.svc.${DOMAIN}`),
  query(`10-0-0-1.shop.pod.${DOMAIN}`),
  query(`www.example.com.shop.svc.${DOMAIN}`),
  query('www.example.com', types.MX, { edns }),
  query(WEB.toUpperCase(), types.TXT, { checkingDisabled: true, recursionDesired: false }),
  query(`None.Shop.svc.${DOMAIN}`, types.A, { authenticData: true, edns: { ...edns, udpSize: 0, dnssecOk: false } }),
];
const corpus = questions.map((each) => encode(each, 65_535).toString('latin1'));
const framed = questions.map((each) => frame(encode(each, 65_535)).toString('latin1'));
const DATAGRAMS = 40;
const MEGABYTE = 1024 * 1024;
/** Rounds until memory is compared. */
const WARM = 200;

export class DnsRig {
  cases = 0;
  #rounds = 0;
  #baseline = 0;
  readonly #random: Random;
  readonly #errors: string[] = [];
  readonly #client: Socket = createSocket('udp4');
  readonly #resolver: Socket = createSocket('udp4');
  #odd = '';
  #server: DnsServer | undefined;
  #port = 0;
  readonly #zone = new ClusterZone({ ...zoneOptions, addresses: [], clock: systemClock });
  readonly #responder: Responder;

  constructor(random: Random) {
    this.#random = random;
    const metrics = new DnsMetrics();
    const log = this.#log();
    const forwarder = new Forwarder({ upstreams: () => [], isSelf: () => false, metrics, clock: systemClock, log });
    this.#responder = new Responder({ zone: this.#zone, forwarder, metrics, clock: systemClock, log });
    this.#zone.publish(new Map([['fuzz', names]]));
  }

  async start(): Promise<void> {
    process.on('uncaughtException', (error) => this.#errors.push(String(error.stack)));
    this.#client.on('message', (bytes) => {
      const reply = decode(bytes);
      if (reply?.response !== true || bytes.length > 4096) this.#odd = bytes.toString('latin1');
    });
    this.#resolver.on('message', (bytes, from) => {
      const asked = decode(bytes);
      if (asked === undefined || from.port === 0) return;
      const { id, questions: repeated } = asked;
      const name = repeated[0]?.name ?? '';
      const alias = Buffer.from('\x01x\x07example\x03com\0', 'latin1');
      const answers = [
        { name, type: types.CNAME, class: 1, ttl: 1, data: alias },
        { name: 'x.example.com', type: types.A, class: 1, ttl: 1, data: Buffer.from([192, 0, 2, 1]) },
      ];
      const answer = encode(message({ id, response: true, questions: repeated, answers }), 65_535);
      const sent = Buffer.from(mutated([answer.toString('latin1')], this.#random), 'latin1').subarray(0, 9000);
      this.#resolver.send(sent, from.port, from.address, () => {});
    });
    await new Promise<void>((resolve) => this.#client.bind(0, HOST, resolve));
    await new Promise<void>((resolve) => this.#resolver.bind(0, HOST, resolve));
    const upstream = { address: HOST, port: this.#resolver.address().port };
    this.#server = await startDnsServer({
      ...zoneOptions,
      listen: [{ address: HOST, port: 0 }],
      upstreams: () => [upstream],
      autopath: () => ['node.test'],
      attemptMs: 10,
      log: this.#log(),
      clock: systemClock,
    });
    this.#port = this.#server.endpoints[0]?.port ?? 0;
    this.#server.publish(new Map([['fuzz', names]]));
    const search = { first: [`shop.svc.${DOMAIN}`, `svc.${DOMAIN}`, DOMAIN], last: [] };
    this.#server.publishClients?.(new Map([['fuzz', new Map([[HOST, search]])]]));
  }

  /** Some of each kind, then a client that asks properly. */
  async round(): Promise<Finding | undefined> {
    const sent: string[] = [];
    for (let count = 0; count < DATAGRAMS; count++) {
      const input = mutated(corpus, this.#random);
      sent.push(input);
      const differs = await this.#differs(Buffer.from(input, 'latin1'));
      if (differs !== '') return { law: 'The short way says something else', detail: differs, input };
      this.#client.send(Buffer.from(input, 'latin1').subarray(0, 60_000), this.#port, HOST, () => {});
    }
    const stream = mutated(framed, this.#random);
    await this.#talk(segments(stream, this.#random));
    this.cases += DATAGRAMS + 1;
    this.#rounds += 1;
    if (this.#rounds === WARM) this.#baseline = process.memoryUsage().rss;
    const proper = await Promise.race([this.#isServed(), wait(10_000).then(() => 'Nobody is served any more')]);
    const all = sent.at(-1) ?? '';
    if (proper !== '') return { law: 'Who asks properly is answered', detail: proper, input: all };
    if (this.#odd !== '') return { law: 'An answer is a message', detail: 'it is not', input: this.#odd };
    const [error] = this.#errors.splice(0);
    return error === undefined ? undefined : { law: 'Nothing fails inside', detail: error, input: stream };
  }

  /** Megabytes beyond the warm start. */
  growth(): number {
    return this.#rounds < WARM ? 0 : (process.memoryUsage().rss - this.#baseline) / MEGABYTE;
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#client.close();
    this.#resolver.close();
  }

  async #isServed(): Promise<string> {
    const udp = await askUdp(this.#port, query(WEB));
    const [tcp] = await askTcp(this.#port, [query(WEB, types.AAAA)]);
    const fine = udp.rcode === rcodes.NOERROR && udp.answers.length === 2 && tcp?.answers.length === 1;
    return fine ? '' : JSON.stringify([udp, tcp]);
  }

  async #differs(bytes: Buffer): Promise<string> {
    const room = Buffer.alloc(4096);
    const length = this.#responder.plain.write(bytes, 0, bytes.length, room, 0, room.length, 'udp', 0);
    if (length === 0) return '';
    const [short, long] = [Buffer.from(room.subarray(0, length)), await this.#responder.respondToAny(bytes, 'udp', '')];
    const both = [decode(short), decode(long ?? Buffer.alloc(0))].map((each) => JSON.stringify(comparable(each)));
    return both[0] === both[1] ? '' : both.join(' instead of ');
  }

  /** Says all of it, and hangs up when the server does, or has nothing more to say. */
  #talk(pieces: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, HOST);
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
      socket.setTimeout(100, () => socket.destroy());
      for (const piece of pieces) socket.write(piece, 'latin1');
      socket.end();
    });
  }

  #log(): Logger {
    return { ...silentLogger, error: (fields: unknown) => void this.#errors.push(JSON.stringify(fields)) };
  }
}
