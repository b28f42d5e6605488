// The cluster's DNS as `up` starts it: which addresses it has, and what it tells when some cannot be had.
// Real API server and sockets; addresses of loopback, port 53.

import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import { createInformers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { ownNumber } from '#test/support/own-number.ts';
import { dnsAddresses, startDns } from './dns.ts';
import { Shutdown } from './shutdown.ts';

let shutdown: Shutdown;
beforeEach(() => {
  shutdown = new Shutdown(silentLogger, systemClock);
});
afterEach(() => shutdown.run());

test('the address is the tenth of each Service range', () => {
  expect(dnsAddresses('10.96.0.0/16')).toEqual(['10.96.0.10']);
  expect(dnsAddresses('10.96.0.0/16, fd00:10:96::/112')).toEqual(['10.96.0.10', 'fd00:10:96::a']);
});

const obstacle = process.getuid?.() === 0 ? undefined : 'port 53 needs root';

test.runIf(kernelAllows(obstacle, 'cluster DNS of two families'))(
  'one family serves where the other cannot be had',
  async () => {
    // Addresses of a link, without the link: no kernel lets anybody listen there, not even one that lets programs
    // listen at addresses which it does not have (ip_nonlocal_bind, as long as a cluster of nodes lives here).
    const serviceCidr = `127.66.${ownNumber()}.0/24,fe80:66:66::/112`;
    const server = await startTestServer({ serviceCidr });
    shutdown.add('server', () => server.close());
    const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
    shutdown.add('client', () => client.close());
    const informers = createInformers(client, { clock: systemClock, log: silentLogger });
    shutdown.add('informers', () => informers.stop());
    informers.start();
    const [four = '', six = ''] = dnsAddresses(serviceCidr);
    const options = { serviceCidr, podCidr: '127.67.0.0/24', client, informers, log: silentLogger, clock: systemClock };
    const dns = await startDns(options, shutdown);
    expect(dns.addresses).toEqual([four]);
    const service = await client.get<Service>(builtin('Service'), 'kube-dns', 'kube-system');
    expect(service.spec).toMatchObject({ clusterIPs: [four, six], ipFamilies: ['IPv4', 'IPv6'] });
    const { items } = await client.list<EndpointSlice>(builtin('EndpointSlice'), { namespace: 'kube-system' });
    expect(
      items.map(({ addressType, endpoints = [] }) => [addressType, endpoints.map((each) => each.addresses[0])]),
    ).toEqual([
      ['IPv4', [four]],
      ['IPv6', []],
    ]);
  },
);
