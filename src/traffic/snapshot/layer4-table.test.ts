// Which route a connection of a layer-4 listener gets, and what an update leaves as it was.
import { describe, expect, it } from 'vitest';
import type { Listener } from '#traffic/model/ir.ts';
import { Layer4Table } from './layer4-table.ts';

const random = (): number => 0.5;
const base = { address: '', port: 1 };
const to = (...names: string[]): { cluster: string; weight: number }[] =>
  names.map((cluster) => ({ cluster, weight: 1 }));

function table(listener: Listener, before = Layer4Table.empty): Layer4Table {
  return before.with(new Map([[listener.name, listener]]), random);
}

describe('Layer4Table', () => {
  it('finds pass-through routes by server name: exact, then the longest wildcard, then any', () => {
    const routes = table({
      ...base,
      name: 'tls',
      protocol: 'tls',
      passthrough: [
        { name: 'any', hostnames: ['*'], clusters: to('c') },
        { name: 'wild', hostnames: ['*.a.test'], clusters: to('c') },
        { name: 'deep', hostnames: ['*.b.a.test'], clusters: to('c') },
        { name: 'exact', hostnames: ['x.a.test'], clusters: to('c') },
      ],
    });
    const names = ['x.a.test', 'y.a.test', 'z.b.a.test', 'a.test', ''].map((name) => routes.find('tls', name)?.name);
    expect(names).toEqual(['exact', 'wild', 'deep', 'any', 'any']);
  });

  it('has nothing for a client without a server name where no route takes every name', () => {
    const passthrough = [{ name: 'exact', hostnames: ['a.test'], clusters: to('c') }];
    const routes = table({ ...base, name: 'tls', protocol: 'tls', passthrough });
    expect(routes.find('tls', '')).toBeUndefined();
    expect(routes.find('other', 'a.test')).toBeUndefined();
  });

  it('splits by weight, and goes on where it was when something else changes', () => {
    const listener: Listener = {
      ...base,
      name: 'tcp',
      protocol: 'tcp',
      clusters: [
        { cluster: 'a', weight: 3 },
        { cluster: 'b', weight: 1 },
      ],
    };
    let routes = table(listener);
    const drawn: (string | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      routes = table({ ...listener, proxyProtocolFrom: [`10.0.0.${i}`] }, routes);
      drawn.push(routes.find('tcp', '')?.pickCluster());
    }
    expect(drawn.filter((name) => name === 'b')).toHaveLength(2);
  });
});
