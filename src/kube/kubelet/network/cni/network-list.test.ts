// Files of networks and answers of plugins: what people and programs write, right and wrong.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { loadNetworkList } from './config-dir.ts';
import { NetworkListError, parseNetworkList, parseSinglePlugin } from './network-list.ts';
import { podIpsOf } from './result.ts';
import { compareVersions } from './version.ts';

describe('a network configuration', () => {
  test.each([
    ['{', 'it is no JSON'],
    ['[]', 'it holds no JSON object'],
    ['{"plugins":[]}', '"name" is missing'],
    ['{"name":"a b"}', '"name" "a b" is no network name'],
    ['{"name":"a","cniVersion":1}', '1 is no version, like "1.0.0"'],
    ['{"name":"a","cniVersions":"1.0.0"}', '"cniVersions" is no list'],
    ['{"name":"a","disableCheck":"perhaps"}', '"disableCheck" "perhaps" is neither true nor false'],
    ['{"name":"a","plugins":{}}', '"plugins" is no list'],
    ['{"name":"a","plugins":[{"type":"x"},7]}', 'plugins[1] is no object'],
    ['{"name":"a","plugins":[{}]}', 'plugins[0] has no "type"'],
    ['{"name":"a","plugins":[{"type":"x","capabilities":[]}]}', '"capabilities" of plugins[0] is no object'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(() => parseNetworkList(text)).toThrow(reason);
  });

  test('a single plugin is a list of one, and a list in its place is told its name', () => {
    expect(parseSinglePlugin('{"name":"a","type":"bridge","mtu":9000}')).toMatchObject({
      name: 'a',
      versions: ['0.1.0'],
      plugins: [{ type: 'bridge', mtu: 9000 }],
    });
    expect(() => parseSinglePlugin('{"name":"a","plugins":[]}')).toThrow('name it *.conflist');
  });

  test('whatever the text is, the answer is a list or a reason', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('1.0.0', 'true', 'bridge'), fc.array(fc.object()));
    const near = fc.dictionary(
      fc.constantFrom(
        'name',
        'cniVersion',
        'cniVersions',
        'disableCheck',
        'disableGC',
        'plugins',
        'type',
        'capabilities',
      ),
      value,
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          near.map((one) => JSON.stringify(one)),
        ),
        (text) => {
          for (const parse of [parseNetworkList, parseSinglePlugin]) {
            try {
              for (const plugin of parse(text).plugins) expect(plugin.type).not.toBe('');
            } catch (error) {
              expect(error).toBeInstanceOf(NetworkListError);
            }
          }
        },
      ),
    );
  });
});

describe('a directory of configurations', () => {
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir('cni-conf');
  });
  afterEach(() => dir.remove());
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(dir.path, name), typeof content === 'string' ? content : JSON.stringify(content));

  test('the first file by name is the network', () => {
    write('README', 'not read');
    write('20-b.conflist', { name: 'b', plugins: [{ type: 'x' }] });
    write('10-a.conf', { name: 'a', type: 'y' });
    expect(loadNetworkList(dir.path).name).toBe('a');
  });

  test('a first file that is wrong is an error that names it, not a reason to take the next', () => {
    write('10-a.conflist', '{');
    write('20-b.conflist', { name: 'b', plugins: [{ type: 'x' }] });
    expect(() => loadNetworkList(dir.path)).toThrow(
      `failed to load CNI config file ${join(dir.path, '10-a.conflist')}: it is no JSON`,
    );
  });

  test('no file and no directory are told in upstream’s words', () => {
    const words = (path: string) => `no network config found in ${path}: cni plugin not initialized`;
    expect(() => loadNetworkList(dir.path)).toThrow(words(dir.path));
    expect(() => loadNetworkList(join(dir.path, 'none'))).toThrow(words(join(dir.path, 'none')));
  });

  test('plugins of the network’s own directory follow, in the order of their names, unless they are not wanted', () => {
    mkdirSync(join(dir.path, 'pods'));
    write('pods/20-z.conf', { type: 'z' });
    write('pods/10-y.conf', { type: 'y' });
    const list = { name: 'pods', plugins: [{ type: 'x' }] };
    write('10.conflist', list);
    expect(loadNetworkList(dir.path).plugins.map(({ type }) => type)).toEqual(['x', 'y', 'z']);
    write('10.conflist', { ...list, loadOnlyInlinedPlugins: true });
    expect(loadNetworkList(dir.path).plugins.map(({ type }) => type)).toEqual(['x']);
  });

  test('a list without any plugin is none', () => {
    write('10.conflist', { name: 'pods', plugins: [] });
    expect(() => loadNetworkList(dir.path)).toThrow('it has no plugins');
  });
});

describe('podIpsOf()', () => {
  const interfaces = [{ name: 'br0' }, { name: 'eth0', sandbox: '/run/netns/x' }];

  test('takes addresses of the sandbox, one a family, the wanted family first', () => {
    const ips = [
      { address: '10.0.0.1/24', interface: 0 },
      { address: 'fd00::2/64', interface: 1 },
      { address: '10.0.0.2/24', interface: 1 },
      { address: '10.0.0.3/24', interface: 1 },
    ];
    expect(podIpsOf({ interfaces, ips }, 4)).toEqual(['10.0.0.2', 'fd00::2']);
    expect(podIpsOf({ interfaces, ips }, 6)).toEqual(['fd00::2', '10.0.0.2']);
  });

  test('reads the answers of the first versions', () => {
    expect(podIpsOf({ ip4: { ip: '10.0.0.2/24' }, ip6: { ip: 'FD00:0::2/64' } }, 4)).toEqual(['10.0.0.2', 'fd00::2']);
  });

  test('finds no address in anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(podIpsOf(value, 4)).toEqual([]);
        expect(podIpsOf({ ips: value, interfaces: value, ip4: value }, 4)).toEqual([]);
      }),
    );
  });
});

test('compareVersions() orders by numbers, not by letters', () => {
  expect(['1.0.0', '0.4.0', '1.10.0', '1.9.0'].sort(compareVersions)).toEqual(['0.4.0', '1.0.0', '1.9.0', '1.10.0']);
});
