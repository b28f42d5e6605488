// What ConfigMaps of kube-dns and CoreDNS say of resolvers, as their users write them.
// Texts only: that a server follows them is tested with a cluster.
import { describe, expect, test } from 'vitest';
import { coreDnsForwarding } from './core-dns.ts';
import type { Forwarding } from './forwarding.ts';
import { kubeDnsForwarding } from './kube-dns.ts';

const words = ({ upstreams, stubs, problems }: Forwarding) => ({
  upstreams: upstreams?.map(({ address, port }) => `${address} ${port}`),
  stubs: Object.fromEntries(
    stubs.map(({ zone, servers }) => [zone, servers.map(({ address, port }) => `${address} ${port}`)]),
  ),
  problems,
});

describe('of kube-dns', () => {
  test('names zones and resolvers', () => {
    const data = {
      stubDomains: '{"acme.local": ["1.2.3.4"], "Consul.Local.": ["10.0.0.2:8600", "fd00::2"]}',
      upstreamNameservers: '["8.8.8.8", "8.8.4.4:5353"]',
    };
    expect(words(kubeDnsForwarding(data))).toEqual({
      upstreams: ['8.8.8.8 53', '8.8.4.4 5353'],
      stubs: { 'acme.local': ['1.2.3.4 53'], 'consul.local': ['10.0.0.2 8600', 'fd00::2 53'] },
      problems: [],
    });
    expect(words(kubeDnsForwarding({}))).toEqual({ upstreams: undefined, stubs: {}, problems: [] });
  });

  test.each([
    [{ stubDomains: '{"a.b": [' }, 'stubDomains is no JSON'],
    [{ stubDomains: '["a.b"]' }, 'stubDomains is no object of zones'],
    [{ stubDomains: '{"a.b": ["ns.example"], "c.d": ["10.0.0.1"]}' }, 'stubDomains: "a.b" with ["ns.example"]'],
    [{ stubDomains: '{"a.b": []}' }, '"a.b" with [] is no zone'],
    [{ upstreamNameservers: '["dns.example"]' }, 'upstreamNameservers: "dns.example" is no address'],
    [{ upstreamNameservers: '8' }, 'upstreamNameservers: 8 is no address'],
  ])('is told of what it cannot mean: %j', (data, problem) => {
    const said = kubeDnsForwarding(data as Record<string, string>);
    expect(said.problems).toEqual([expect.stringContaining(problem)]);
    expect(said.upstreams).toBeUndefined();
    // What else it says counts.
    if (JSON.stringify(data).includes('c.d')) expect(said.stubs.map(({ zone }) => zone)).toEqual(['c.d']);
  });
});

describe('of CoreDNS', () => {
  test('names zones and resolvers by its servers', () => {
    const corefile = `
# as kubeadm writes it, and what people add
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . 10.1.0.1 dns://10.1.0.2:5353 {
       max_concurrent 1000
    }
    forward lab.example "10.2.0.1"
    cache 30
    loop
    reload
    loadbalance
}
(elsewhere) {
    forward . 10.3.0.1 # all of it
}
corp.example:53, dns://other.example.,
third.example {
    import elsewhere
}
10.in-addr.arpa {
    proxy . 10.4.0.1:53
}
consul { forward . 10.5.0.1:8600
}`;
    const { upstreams, stubs, problems } = words(coreDnsForwarding(corefile));
    expect(upstreams).toEqual(['10.1.0.1 53', '10.1.0.2 5353']);
    expect(stubs).toMatchObject({
      'lab.example': ['10.2.0.1 53'],
      'corp.example': ['10.3.0.1 53'],
      'other.example': ['10.3.0.1 53'],
      'third.example': ['10.3.0.1 53'],
      '10.in-addr.arpa': ['10.4.0.1 53'],
    });
    expect(problems).toEqual(['Braces are not in pairs in the block of consul { forward . 10.5.0.1:8600']);
  });

  test('leaves the resolvers of the machine to what they are', () => {
    expect(words(coreDnsForwarding('. {\n forward . /etc/resolv.conf\n}'))).toEqual({
      upstreams: undefined,
      stubs: {},
      problems: [],
    });
  });

  test('may be one block without braces', () => {
    expect(words(coreDnsForwarding('corp.example\nforward . 10.0.0.1')).stubs).toEqual({
      'corp.example': ['10.0.0.1 53'],
    });
  });

  test.each([
    ['forward . tls://9.9.9.9', 'Line 2: forward . to "tls://9.9.9.9" is left out'],
    ['forward . 10.0.0.1 {\n except corp.example\n}', 'Line 2: forward . is left out: its option except'],
    ['forward .', 'Line 2: forward names no resolver'],
    ['hosts {\n 10.0.0.1 a.example\n}', 'Line 2: hosts has no effect here'],
    ['import missing', 'Line 2: import has no effect here'],
  ])('is told of what it cannot mean: %s', (lines, problem) => {
    const said = coreDnsForwarding(`.:53 {\n${lines}\n}\ncorp.example {\nforward . 10.0.0.9\n}`);
    expect(said.problems).toEqual([expect.stringContaining(problem)]);
    expect(words(said)).toMatchObject({ upstreams: undefined, stubs: { 'corp.example': ['10.0.0.9 53'] } });
  });
});
