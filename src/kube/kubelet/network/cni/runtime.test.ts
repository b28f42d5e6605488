// How plugins are called, one after another, and what is said of those that fail: with programs, as the specification has it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attachmentOf, listOf, ScriptPlugins } from './testing.ts';

const NETNS = '/run/netns/x.web.1';
const answer = (ip: string): string => `{"cniVersion":"1.0.0","ips":[{"address":"${ip}/24"}]}`;

let plugins: ScriptPlugins;
beforeEach(() => {
  plugins = new ScriptPlugins();
});
afterEach(() => plugins.remove());

describe('ADD', () => {
  test('runs the chain with the network’s name and version, each plugin with what the one before answered', async () => {
    plugins.add('first', { ADD: `echo '${answer('10.0.0.2')}'` });
    plugins.add('second', { ADD: `echo '${answer('10.0.0.3')}'` });
    const list = listOf([
      { type: 'first', mine: [1] },
      { type: 'second', name: 'x', cniVersion: '0.3.0' },
    ]);
    const result = await plugins.runtime().add(attachmentOf(list), NETNS);
    expect(result).toEqual(JSON.parse(answer('10.0.0.3')));
    const common = {
      command: 'ADD',
      containerId: 'uid-1',
      netns: NETNS,
      ifName: 'eth0',
      args: 'IgnoreUnknown=1;K8S_POD_NAME=web',
      path: plugins.binDir,
    };
    expect(plugins.calls).toEqual([
      { ...common, plugin: 'first', config: { type: 'first', mine: [1], name: 'pods', cniVersion: '1.0.0' } },
      {
        ...common,
        plugin: 'second',
        config: { type: 'second', name: 'pods', cniVersion: '1.0.0', prevResult: JSON.parse(answer('10.0.0.2')) },
      },
    ]);
  });

  test('tells a plugin what it has a capability for, and nothing else', async () => {
    plugins.add('one', { ADD: "echo '{}'" });
    const list = listOf([
      { type: 'one', capabilities: { mac: true, ips: false, aliases: true } },
      { type: 'one', capabilities: { bandwidth: true } },
    ]);
    const capabilityArgs = { mac: '0a:00:00:00:00:01', ips: ['10.0.0.9'], portMappings: [] };
    await plugins.runtime().add(attachmentOf(list, { capabilityArgs }), NETNS);
    expect(plugins.calls.map(({ config }) => config.runtimeConfig)).toEqual([{ mac: '0a:00:00:00:00:01' }, undefined]);
  });

  test.each([
    ['{"code":7,"msg":"no subnet","details":"give one"}', 'no subnet; give one'],
    ['{"code":11,"msg":"later"}', 'later'],
    ['{"code":103}', 'plugin ended with code 103 and no message'],
    ['oops', 'netplugin failed: "oops"'],
    ['', 'netplugin failed with no error message'],
  ])('stops at the first failure and passes on what it said: %s', async (said, shown) => {
    plugins.add('bad', { ADD: `printf '%s' '${said}'; exit 1` });
    plugins.add('good', { ADD: "echo '{}'" });
    const list = listOf([{ type: 'bad' }, { type: 'good' }]);
    await expect(plugins.runtime().add(attachmentOf(list), NETNS)).rejects.toThrow(
      `plugin type="bad" name="pods" failed (add): ${shown}`,
    );
    expect(plugins.calls.map(({ plugin }) => plugin)).toEqual(['bad']);
  });

  test('passes on the last words of a plugin that ended without an answer', async () => {
    plugins.add('bad', { ADD: 'echo "panic: nil" >&2; exit 2' });
    await expect(plugins.runtime().add(attachmentOf(listOf([{ type: 'bad' }])), NETNS)).rejects.toThrow(
      'netplugin failed: "panic: nil"',
    );
  });

  test('says where it looked for a plugin that is not there, and takes none from elsewhere', async () => {
    const runtime = plugins.runtime();
    await expect(runtime.add(attachmentOf(listOf([{ type: 'none' }])), NETNS)).rejects.toThrow(
      `failed to find plugin "none" in path [${plugins.binDir}]`,
    );
    await expect(runtime.add(attachmentOf(listOf([{ type: '../bin/true' }])), NETNS)).rejects.toThrow(
      'invalid plugin name: ../bin/true',
    );
  });

  test('kills a plugin that does not end, with what it started', async () => {
    plugins.add('slow', { ADD: 'sleep 60 & sleep 60' });
    await expect(plugins.runtime(200).add(attachmentOf(listOf([{ type: 'slow' }])), NETNS)).rejects.toThrow(
      'netplugin did not end within 0.2 s and was killed',
    );
  });

  test('is not content with an answer that is no JSON', async () => {
    plugins.add('chatty', { ADD: 'echo hello' });
    await expect(plugins.runtime().add(attachmentOf(listOf([{ type: 'chatty' }])), NETNS)).rejects.toThrow(
      'netplugin answered with no JSON',
    );
  });
});

describe('DEL and CHECK', () => {
  test('DEL goes backwards with the last result, and without a namespace when it is gone', async () => {
    plugins.add('first');
    plugins.add('second');
    const list = listOf([{ type: 'first' }, { type: 'second' }]);
    const result = { ips: [{ address: '10.0.0.3/24' }] };
    await plugins.runtime().del(attachmentOf(list, { result }), undefined);
    expect(plugins.calls.map(({ plugin, netns, config }) => [plugin, netns, config.prevResult])).toEqual([
      ['second', '', result],
      ['first', '', result],
    ]);
  });

  test('versions before 0.4.0 know no CHECK, and no result at DEL', async () => {
    plugins.add('old');
    const attachment = attachmentOf(listOf([{ type: 'old' }]), {
      version: '0.3.1',
      result: { ip4: { ip: '10.0.0.3/24' } },
    });
    await plugins.runtime().check(attachment, NETNS);
    await plugins.runtime().del(attachment, NETNS);
    expect(plugins.calls.map(({ command, config }) => [command, 'prevResult' in config])).toEqual([['DEL', false]]);
  });

  test('CHECK says what a plugin found, unless the network forbids to ask', async () => {
    plugins.add('one', { CHECK: `echo '{"code":3,"msg":"eth0 is missing"}'; exit 1` });
    const attachment = attachmentOf(listOf([{ type: 'one' }]), { result: {} });
    await expect(plugins.runtime().check(attachment, NETNS)).rejects.toThrow('failed (check): eth0 is missing');
    const silent = listOf([{ type: 'one' }], { disableCheck: 'true' });
    await plugins.runtime().check({ ...attachment, list: silent }, NETNS);
    expect(plugins.calls).toHaveLength(1);
  });
});

describe('GC and STATUS', () => {
  test('GC tells every plugin which attachments are valid, and what failed of all', async () => {
    plugins.add('first', { GC: `echo '{"code":5,"msg":"disk full"}'; exit 1` });
    plugins.add('second');
    const list = listOf([{ type: 'first' }, { type: 'second' }]);
    const collect = plugins.runtime().gc(list, '1.1.0', [attachmentOf(list)]);
    await expect(collect).rejects.toThrow('plugin type="first" name="pods" failed (gc): disk full');
    expect(
      plugins.calls.map(({ plugin, containerId, config }) => [
        plugin,
        containerId,
        config['cni.dev/valid-attachments'],
      ]),
    ).toEqual([
      ['first', '', [{ containerID: 'uid-1', ifname: 'eth0' }]],
      ['second', '', [{ containerID: 'uid-1', ifname: 'eth0' }]],
    ]);
  });

  test('neither is asked of networks before 1.1.0, nor GC where it is forbidden', async () => {
    plugins.add('one', { GC: 'exit 1', STATUS: 'exit 1' });
    const runtime = plugins.runtime();
    await runtime.gc(listOf([{ type: 'one' }]), '1.0.0', []);
    await runtime.status(listOf([{ type: 'one' }]), '1.0.0');
    await runtime.gc(listOf([{ type: 'one' }], { disableGC: true }), '1.1.0', []);
    expect(plugins.calls).toEqual([]);
  });

  test('STATUS says why no pod can be attached now', async () => {
    plugins.add('one', { STATUS: `echo '{"code":50,"msg":"agent is starting"}'; exit 1` });
    await expect(plugins.runtime().status(listOf([{ type: 'one' }]), '1.1.0')).rejects.toThrow(
      'plugin type="one" name="pods" failed (status): agent is starting',
    );
  });
});

describe('versions', () => {
  const speaks = (...versions: string[]) => ({ VERSION: `echo '${JSON.stringify({ supportedVersions: versions })}'` });

  test('the highest that the list names and every plugin speaks', async () => {
    plugins.add('new', speaks('0.4.0', '1.0.0', '1.1.0'));
    plugins.add('older', speaks('0.4.0', '1.0.0'));
    const list = listOf([{ type: 'new' }, { type: 'older' }], {
      cniVersion: '0.4.0',
      cniVersions: ['1.0.0', '1.1.0', '9.0.0'],
    });
    expect(await plugins.runtime().negotiate(list)).toBe('1.0.0');
  });

  test('a plugin that is too old is named, with what it speaks', async () => {
    plugins.add('older', speaks('0.3.1', '0.4.0'));
    await expect(plugins.runtime().negotiate(listOf([{ type: 'older' }]))).rejects.toThrow(
      'plugin older does not support config version "1.0.0" of network "pods": it speaks 0.3.1, 0.4.0',
    );
  });

  test('a version that nobody knows yet is refused with those that there are', async () => {
    plugins.add('one');
    await expect(plugins.runtime().negotiate(listOf([{ type: 'one' }], { cniVersion: '2.0.0' }))).rejects.toThrow(
      'no CNI version of network "pods" (2.0.0) fits: use one of 0.1.0',
    );
  });

  test('plugins of the first version do not know the question', async () => {
    plugins.add('oldest', { VERSION: `echo '{"code":4,"msg":"unknown CNI_COMMAND: VERSION"}'; exit 1` });
    const list = listOf([{ type: 'oldest' }], { cniVersion: undefined });
    expect(await plugins.runtime().negotiate(list)).toBe('0.1.0');
  });
});
