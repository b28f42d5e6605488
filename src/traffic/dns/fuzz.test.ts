// Mutated questions and answers: the server answers or stays silent, and goes on serving.
// Real sockets; what breaks it is printed as hex by the property that fails.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import { Forwarder } from './forward/forwarder.ts';
import { DnsMetrics } from './metrics.ts';
import { Responder } from './server/responder.ts';
import { askUdp, DnsLab, HOST, query } from './testing/dns-lab.ts';
import { decode } from './wire/decode.ts';
import { encode } from './wire/encode.ts';
import { type Message, message, rcodes, types } from './wire/message.ts';
import { ClusterZone } from './zone/cluster-zone.ts';

const lab = new DnsLab();
afterEach(() => lab.close());

const WEB = 'web.shop.svc.cluster.local';

const seeds = [
  query(WEB),
  query(WEB, types.ANY, { edns: { udpSize: 4096, version: 0, dnssecOk: true } }),
  query(`_http._tcp.${WEB}`, types.SRV),
  query('7.0.96.10.in-addr.arpa', types.PTR),
  query('cluster.local', types.SOA),
  query('example.com', types.A, { edns: { udpSize: 512, version: 0, dnssecOk: false } }),
].map((each) => encode(each, 512));

/** A seed with bytes overwritten, cut out, put in, or cut off. */
const mutated = fc
  .record({
    seed: fc.constantFrom(...seeds),
    changes: fc.array(
      fc.record({
        at: fc.nat(80),
        kind: fc.constantFrom('set', 'cut', 'put', 'end'),
        byte: fc.integer({ min: 0, max: 255 }),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ seed, changes }) => {
    const bytes = [...seed];
    for (const { at, kind, byte } of changes) {
      const offset = at % Math.max(1, bytes.length);
      if (kind === 'set') bytes[offset] = byte;
      else if (kind === 'cut') bytes.splice(offset, 1 + (byte % 4));
      else if (kind === 'put') bytes.splice(offset, 0, byte, byte);
      else bytes.length = offset;
    }
    return Buffer.from(bytes);
  });

describe('a mutated question', () => {
  it('gets an answer that is a message to it, or none, and never throws', async () => {
    const clock = new FakeClock();
    const faults: unknown[] = [];
    const log: Logger = { ...silentLogger, error: (fields) => void faults.push(fields) };
    const zone = new ClusterZone({
      domain: 'cluster.local',
      ttl: 5,
      addresses: [HOST],
      ranges: ['10.96.0.0/16'],
      clock,
    });
    zone.publish(new Map([['web', new Map([[WEB, [addressRecord('10.96.0.7')]]])]]));
    const metrics = new DnsMetrics();
    const forwarder = new Forwarder({ upstreams: () => [], isSelf: () => false, metrics, clock, log });
    const responder = new Responder({ zone, forwarder, metrics, clock, log });
    await fc.assert(
      fc.asyncProperty(mutated, fc.constantFrom('udp', 'tcp'), async (bytes, protocol) => {
        const answer = await responder.respond(bytes, protocol, HOST);
        if (answer === undefined) {
          expect(bytes.length < 12 || (bytes[2] ?? 0) >= 0x80).toBe(true);
          return;
        }
        const reply = decode(answer);
        expect(reply).toMatchObject({ id: bytes.readUInt16BE(0), response: true });
        if (decode(bytes) === undefined) expect([rcodes.FORMERR, rcodes.NOTIMP]).toContain(reply?.rcode);
        expect(faults).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a mutated answer of a resolver', () => {
  it('is believed or not, and the client hears of it in time', async () => {
    let next: Buffer | undefined;
    const resolver = await lab.resolver((asked) => {
      if (next === undefined) return undefined;
      const bytes = Buffer.from(next);
      if (bytes.length > 2) bytes.writeUInt16BE(asked.id, 0);
      return bytes;
    });
    const { port } = await lab.server(undefined, {
      upstreams: () => [{ address: HOST, port: resolver.port }],
      attemptMs: 5,
    });
    const answer = (name: string): Message =>
      message({
        response: true,
        questions: [{ name, type: types.A, class: 1 }],
        answers: [
          { name, type: types.CNAME, class: 1, ttl: 60, data: Buffer.from('\x01x\x07example\x03com\0', 'latin1') },
          { name: 'x.example.com', type: types.A, class: 1, ttl: 60, data: Buffer.from([192, 0, 2, 1]) },
        ],
      });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        async (changes) => {
          const name = `n${count++}.example.com`;
          const bytes = encode(answer(name), 512);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          next = bytes;
          const reply = await askUdp(port, query(name));
          expect(reply).toMatchObject({ id: 7, response: true, questions: [{ name }] });
        },
      ),
      { numRuns: 150 },
    );
  });
});
