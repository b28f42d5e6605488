// Which version of a custom resource is watched: the one that is asked for, else another of the same shape that is served.
// The API server is real.
import { expect, test, vi } from 'vitest';
import { type Definition, loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { BGPPeer } from '#kube/api/load-balancer/types.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer } from '#kube/apiserver/testing.ts';
import { createInformers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { customInformer } from './custom-informer.ts';

const PATIENCE = { timeout: 15_000, interval: 20 };
const PEERS = loadBalancerResource('BGPPeer');

test.each([
  ['both versions', ['v1beta1', 'v1beta2']],
  ['v1beta1 alone', ['v1beta1']],
])(
  'a BGPPeer written as v1beta1 is read where %s are served',
  async (_what, served) => {
    const server = await startTestServer();
    const client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
    const informers = createInformers(client, { clock: systemClock, log: silentLogger });
    try {
      const whole = loadBalancerDefinitions.find(({ spec }) => spec.names.kind === 'BGPPeer') as Definition;
      const versions = whole.spec.versions
        .filter(({ name }) => served.includes(name))
        .map((version, at) => ({ ...version, storage: at === 0 }));
      await client.create(builtin('CustomResourceDefinition'), { ...whole, spec: { ...whole.spec, versions } });
      const peer: BGPPeer = {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'BGPPeer',
        metadata: { name: 'tor', namespace: 'default' },
        spec: { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' },
      };
      await vi.waitFor(() => client.create<BGPPeer>({ ...PEERS, version: 'v1beta1' }, peer), PATIENCE);
      const read = customInformer<BGPPeer>(informers, PEERS);
      informers.start();
      await vi.waitFor(() => expect(read.list()).toMatchObject([{ spec: { peerAddress: '192.0.2.1' } }]), PATIENCE);
    } finally {
      await informers.stop();
      await client.close();
      await server.close();
    }
  },
  60_000,
);
