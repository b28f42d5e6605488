// resolv.conf, hosts and host name of pods, as text.
import fc from 'fast-check';
import type { Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { hostNames, hostnameProblem, hostsFile } from './host-names.ts';
import { formatResolvConf, parseResolvConf, podDns } from './resolv-conf.ts';

const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' };
const host = parseResolvConf('# of the node\nnameserver 192.0.2.53\nsearch lan. corp\noptions edns0 ndots:1\n');

function pod(spec: Partial<PodSpec>, name = 'web-0'): Pod {
  return { metadata: { name, namespace: 'shop' }, spec: { containers: [], ...spec } };
}

const text = (spec: Partial<PodSpec>, dns = cluster): string => formatResolvConf(podDns(pod(spec), dns, host));

describe('resolv.conf', () => {
  test('the cluster comes first, with the node search list behind its own', () => {
    const expected =
      'search shop.svc.cluster.local svc.cluster.local cluster.local lan corp\nnameserver 10.96.0.10\noptions ndots:5\n';
    expect(text({})).toBe(expected);
    expect(text({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true })).toBe(expected);
  });

  test('pods in the node network, those that ask for it, and clusters without a name server have that of the node', () => {
    const expected = 'search lan corp\nnameserver 192.0.2.53\noptions edns0 ndots:1\n';
    expect(text({ hostNetwork: true })).toBe(expected);
    expect(text({ dnsPolicy: 'Default' })).toBe(expected);
    expect(text({}, { ...cluster, servers: [] })).toBe(expected);
  });

  test('what the pod asks for is added, without repetition, and wins among options', () => {
    const dnsConfig = {
      nameservers: ['10.96.0.10', '192.0.2.1'],
      searches: ['cluster.local', 'my.test'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
    };
    expect(podDns(pod({ dnsConfig }), cluster, host)).toEqual({
      servers: ['10.96.0.10', '192.0.2.1'],
      searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'lan', 'corp', 'my.test'],
      options: ['ndots:2', 'edns0'],
    });
    expect(text({ dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.1'] } })).toBe('nameserver 192.0.2.1\n');
  });

  test('no more name servers than resolvers take', () => {
    const nameservers = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
    expect(podDns(pod({ dnsConfig: { nameservers } }), cluster, host).servers).toHaveLength(3);
  });

  test('whatever the node file holds, what is made of it reads back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), (content) => {
        const read = parseResolvConf(content);
        expect(parseResolvConf(formatResolvConf(read)).servers).toEqual(read.servers);
      }),
    );
    expect(parseResolvConf('search a\nsearch b c\nnameserver\noptions\ndomain .\n')).toEqual({
      servers: [],
      searches: ['.'],
      options: [],
    });
  });
});

describe('host names', () => {
  test('are the pod own, within a subdomain when it has one', () => {
    expect(hostNames(pod({}), 'n1', 'c.l')).toEqual({ hostname: 'web-0', names: ['web-0'] });
    expect(hostNames(pod({ hostname: 'a', subdomain: 's' }), 'n1', 'c.l')).toEqual({
      hostname: 'a',
      names: ['a.s.shop.svc.c.l', 'a'],
    });
    expect(hostNames(pod({ subdomain: 's', setHostnameAsFQDN: true }), 'n1', 'c.l').hostname).toBe(
      'web-0.s.shop.svc.c.l',
    );
    expect(hostNames(pod({ hostNetwork: true, hostname: 'a' }), 'n1', 'c.l').hostname).toBe('n1');
  });

  test('are cut to what the kernel takes, or refused', () => {
    expect(hostNames(pod({}, `${'a'.repeat(62)}-b`), 'n1', 'c.l').hostname).toBe('a'.repeat(62));
    const long = hostNames(pod({ subdomain: 's'.repeat(40), setHostnameAsFQDN: true }), 'n1', 'cluster.local');
    expect(hostnameProblem(long)).toContain('is too long (64 characters is the max, 69 characters requested)');
    expect(hostnameProblem(hostNames(pod({}), 'n1', 'c.l'))).toBeUndefined();
  });

  test('the hosts file has every address, and the aliases of the pod', () => {
    const names = { hostname: 'a', names: ['a.s', 'a'] };
    const lines = hostsFile(pod({}), ['10.244.0.5', 'fd00::5'], names, '').split('\n');
    expect(lines[0]).toBe('# Kubernetes-managed hosts file.');
    expect(lines.slice(-3)).toEqual(['10.244.0.5\ta.s\ta', 'fd00::5\ta.s\ta', '']);
    const hostAliases = [{ ip: '192.0.2.1', hostnames: ['x', 'y'] }];
    expect(hostsFile(pod({ hostNetwork: true, hostAliases }), ['192.0.2.9'], names, '127.0.0.1 me\n')).toBe(
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n\n# Entries added by HostAliases.\n192.0.2.1\tx\ty\n',
    );
  });
});
