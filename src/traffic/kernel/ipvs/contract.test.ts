// The IPVS driver under the contract of all layer-4 drivers, in a guest kernel that has IPVS.
// Knows of its layout only what somebody needs to damage it.
import { inGuest } from '#test/support/uml/tests-in-guest.ts';
import { describeL4Driver } from '../l4-driver.contract.ts';
import { sh } from '../testing/lab-namespaces.ts';
import { createIpvsDriver } from './driver.ts';
import { namesOf } from './names.ts';

const tools = ['ipvsadm', 'ipset', 'iptables', 'nsenter', 'conntrack'];

inGuest(
  import.meta.url,
  'the contract of layer-4 drivers with IPVS',
  { tools, modules: ['ipv6'], memoryMb: 1024, timeoutMs: 2_700_000 },
  () => {
    describeL4Driver('ipvs', {
      create: (netns, owner, warn) => createIpvsDriver({ netns, owner, warn }),
      tracked: true,
      tools,
      pace: { slowness: 5, keepsDriver: true, families: ['IPv4'], draws: 2, steps: 12, streamPause: 100 },
      lacks: {
        affinity_ends: 'a client is led by its address, so that it mostly comes back to where it was',
        cut_of_gone: 'a Service that goes takes its connections with it, without a word to their clients',
        established: 'IPVS translates, and without its Service nobody does',
        foreign_tables: 'the kernel of the guest has no tables of nftables; driver.test.ts has what others make there',
        unserved_ports: 'the node has the addresses of Services, so that packets end there',
      },
      sabotage(netns, owner) {
        const { prefix, device } = namesOf(owner);
        sh(
          `ipset flush ${prefix}-served-4; ipset add ${prefix}-reject-4 10.96.0.10,tcp:80
           ipvsadm -D -t 10.96.0.10:80; ip addr flush dev ${device}`,
          netns,
        );
      },
      inventory: (netns) =>
        sh('ipvsadm -S -n; ipset save; for ip in iptables ip6tables; do $ip-legacy-save; done', netns)
          .split('\n')
          // Of the rules of iptables those alone, and chains that somebody made: base chains come with the tables.
          .filter((line) => /^(create|add|-A|:.* - )/.test(line)),
      program: { module: new URL('./driver.ts', import.meta.url).href, create: 'createIpvsDriver' },
    });
  },
);
