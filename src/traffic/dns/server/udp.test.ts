// Both ways to a UDP address give the same answers: at once, late, and none after closing.
// Real sockets of loopback.
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { datagramBatchesObstacle } from '#lib/sys/datagram-batches.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { DnsMetrics } from '../metrics.ts';
import { askUdp, DnsLab, HOST, query } from '../testing/dns-lab.ts';
import { message, rcodes, types } from '../wire/message.ts';
import { ClusterZone } from '../zone/cluster-zone.ts';
import { Responder } from './responder.ts';
import { listenUdpByBatch } from './udp-by-batch.ts';
import { listenUdpByOne } from './udp-by-one.ts';

const lab = new DnsLab();
afterEach(() => lab.close());

const ways = {
  'by batches': { listen: listenUdpByBatch, possible: kernelAllows(datagramBatchesObstacle(), 'DNS by batches') },
  'one by one': { listen: listenUdpByOne, possible: true },
};

describe.each(Object.entries(ways))('UDP %s', (_, { listen, possible }) => {
  it.runIf(possible)('answers what is ready and what others have to be asked for', async () => {
    const resolver = await lab.resolver((asked) =>
      message({
        id: asked.id,
        response: true,
        questions: asked.questions,
        answers: [{ name: 'example.com', type: types.A, class: 1, ttl: 60, data: Buffer.from([192, 0, 2, 1]) }],
      }),
    );
    const metrics = new DnsMetrics();
    const [clock, log] = [systemClock, silentLogger];
    const zone = new ClusterZone({ domain: 'cluster.local', ttl: 5, addresses: [], ranges: [], clock });
    zone.publish(
      new Map([
        [
          'test',
          new Map<string, readonly DnsRecord[]>([
            ['web.shop.svc.cluster.local', [addressRecord('10.96.0.7')]],
            ['far.shop.svc.cluster.local', [{ type: 'CNAME', target: 'example.com' }]],
          ]),
        ],
      ]),
    );
    const upstreams = () => [{ address: HOST, port: resolver.port }];
    const forwarder = new Forwarder({ upstreams, isSelf: () => false, metrics, clock, log });
    const responder = new Responder({ zone, forwarder, metrics, clock, log });
    const { port, close } = await listen(HOST, 0, { responder, metrics, clock, log });
    lab.after(close);
    const asked = ['web', 'far', 'none'].map((name) => askUdp(port, query(`${name}.shop.svc.cluster.local`)));
    const [ready, late, none] = await Promise.all(asked);
    expect(ready?.answers.map(({ data }) => [...data])).toEqual([[10, 96, 0, 7]]);
    expect(late?.answers.map(({ type }) => type)).toEqual([types.CNAME, types.A]);
    expect(none?.rcode).toBe(rcodes.NXDOMAIN);
    await expect(listen(HOST, port, { responder, metrics, clock, log })).rejects.toThrow('EADDRINUSE');
  });
});
