// Volumes: what their files hold, and that they change all at once.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap, PersistentVolumeClaim, Pod, PodSecurityContext, Volume } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectSource } from '../env/container-env.ts';
import { writeAtomically } from './atomic-writer.ts';
import type { StorageSource } from './persistent.ts';
import { podVolumes } from './pod-volumes.ts';
import type { TokenSource } from './tokens.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-volumes-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const payload = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o640 }]));

function names(of: string): string[] {
  return readdirSync(of)
    .filter((name) => !name.startsWith('..'))
    .sort();
}

describe('writeAtomically()', () => {
  test('names go through one link that is swapped', () => {
    writeAtomically(dir, payload({ a: '1', 'deep/b': '2' }));
    expect(names(dir)).toEqual(['a', 'deep']);
    expect(readlinkSync(join(dir, 'a'))).toBe('..data/a');
    const first = readlinkSync(join(dir, '..data'));
    writeAtomically(dir, payload({ a: '3', c: '4' }));
    expect(names(dir)).toEqual(['a', 'c']);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('3');
    expect(readlinkSync(join(dir, '..data'))).not.toBe(first);
    expect(readdirSync(dir).filter((name) => name.startsWith('..'))).toHaveLength(2);
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o640);
  });

  test('the same files are left alone', () => {
    writeAtomically(dir, payload({ a: '1' }));
    const first = readlinkSync(join(dir, '..data'));
    writeAtomically(dir, payload({ a: '1' }));
    expect(readlinkSync(join(dir, '..data'))).toBe(first);
  });
});

describe('podVolumes()', () => {
  const objects: ObjectSource = {
    configMap: async (_namespace, name): Promise<ConfigMap | undefined> =>
      name === 'cm' ? { data: { one: '1', two: '2' }, binaryData: { raw: 'AAE=' } } : undefined,
    secret: async (_namespace, name) =>
      name === 'sec' ? { data: { key: Buffer.from('k').toString('base64') } } : undefined,
  };
  const claims: Record<string, PersistentVolumeClaim> = {
    bound: { metadata: { uid: 'u' }, spec: { volumeName: 'disk' }, status: { phase: 'Bound' } },
    open: { metadata: { uid: 'v' }, status: { phase: 'Pending' } },
    stolen: { metadata: { uid: 'w' }, spec: { volumeName: 'disk' }, status: { phase: 'Bound' } },
  };
  const storage: StorageSource = {
    claim: async (_namespace, name) => claims[name],
    volume: async () => ({
      spec: { claimRef: { uid: 'u' }, hostPath: { path: join(dir, 'disk'), type: 'DirectoryOrCreate' } },
    }),
  };
  const tokens: TokenSource = {
    token: async (_pod, { audience, expirationSeconds }) => {
      if (audience === 'nobody') throw new Error('nobody issues it');
      return `${audience} for ${expirationSeconds}`;
    },
    forget: () => {},
  };
  const facts = { podIps: ['127.244.0.2'], hostIps: ['127.0.0.1'], allocatable: {} };
  const mount = async (volume: Omit<Volume, 'name'>, securityContext?: PodSecurityContext): Promise<string> => {
    const pod: Pod = {
      metadata: { name: 'p', namespace: 'd', labels: { a: 'b' } },
      spec: {
        containers: [{ name: 'main', image: 'x', resources: { limits: { memory: '64Mi' } } }],
        volumes: [{ name: 'v', ...volume }],
        ...(securityContext === undefined ? {} : { securityContext }),
      },
    };
    return (await podVolumes(dir, { pod, objects, storage, tokens }).mount(facts)).get('v') ?? '';
  };
  const text = (...path: string[]) => readFileSync(join(...path), 'utf8');

  test('a configMap gives its keys, or the items asked for', async () => {
    expect(names(await mount({ configMap: { name: 'cm' } }))).toEqual(['one', 'raw', 'two']);
    const chosen = await mount({ configMap: { name: 'cm', items: [{ key: 'one', path: 'conf/first', mode: 0o600 }] } });
    expect(text(chosen, 'conf/first')).toBe('1');
    expect(statSync(join(chosen, 'conf/first')).mode & 0o777).toBe(0o600);
  });

  test('projected puts sources together', async () => {
    const at = await mount({
      projected: {
        sources: [
          { configMap: { name: 'cm', items: [{ key: 'one', path: 'one' }] } },
          { secret: { name: 'sec' } },
          { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { secret: { name: 'none', optional: true } },
        ],
      },
    });
    expect(names(at)).toEqual(['key', 'labels', 'one']);
    expect(text(at, 'labels')).toBe('a="b"');
  });

  test('files have the defaultMode of their volume, but for those with a mode of their own', async () => {
    const modes = (at: string): number[] => names(at).map((name) => statSync(join(at, name)).mode & 0o777);
    const defaultMode = 0o440;
    const items = [
      { key: 'one', path: 'one' },
      { key: 'two', path: 'two', mode: 0o400 },
    ];
    expect(modes(await mount({ configMap: { name: 'cm', items, defaultMode } }))).toEqual([0o440, 0o400]);
    const files = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }];
    expect(modes(await mount({ downwardAPI: { items: files, defaultMode } }))).toEqual([0o440]);
    const sources = [{ configMap: { name: 'cm', items } }, { downwardAPI: { items: files } }];
    expect(modes(await mount({ projected: { sources, defaultMode } }))).toEqual([0o440, 0o440, 0o400]);
  });

  test('a file of the downward API may hold what a container may use: resourceFieldRef', async () => {
    const resourceFieldRef = { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' };
    const at = await mount({ downwardAPI: { items: [{ path: 'memory', resourceFieldRef }] } });
    expect(text(at, 'memory')).toBe('64');
    const other = { ...resourceFieldRef, containerName: 'other' };
    const volume = { downwardAPI: { items: [{ path: 'memory', resourceFieldRef: other }] } };
    await expect(mount(volume)).rejects.toThrow('container "other" of downward API file "memory" not found');
  });

  test('a serviceAccountToken lies at its path, for its audience and its expirationSeconds', async () => {
    const source = { audience: 'vault', expirationSeconds: 700, path: 'deep/token' };
    const at = await mount({ projected: { sources: [{ serviceAccountToken: source }] } });
    expect(text(at, 'deep/token')).toBe('vault for 700');
    expect(statSync(join(at, 'deep/token')).mode & 0o777).toBe(0o644);
    const lost = { projected: { sources: [{ serviceAccountToken: { audience: 'nobody', path: 'token' } }] } };
    await expect(mount(lost)).rejects.toThrow('failed to fetch token: nobody issues it');
  });

  test('a token is for the eyes of the user that all containers have', async () => {
    const volume = { projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } };
    const token = join(await mount(volume, { runAsUser: 1234 }), 'token');
    expect(statSync(token).mode & 0o777).toBe(0o600);
    if (process.getuid?.() === 0) expect(statSync(token).uid).toBe(1234);
  });

  test('a claim gives the directory of its volume, and what is written there outlives the pod', async () => {
    const at = await mount({ persistentVolumeClaim: { claimName: 'bound' } });
    expect(at).toBe(join(dir, 'disk'));
    expect(statSync(at).mode & 0o777).toBe(0o777);
    writeFileSync(join(at, 'kept'), 'yes');
    podVolumes(dir, { pod: { metadata: { name: 'p', namespace: 'd' } }, objects, storage, tokens }).unmount();
    expect(text(await mount({ persistentVolumeClaim: { claimName: 'bound' } }), 'kept')).toBe('yes');
  });

  test.each<[Omit<Volume, 'name'>, string]>([
    [{ persistentVolumeClaim: { claimName: 'open' } }, 'error processing PVC d/open: PVC is not bound'],
    [{ persistentVolumeClaim: { claimName: 'stolen' } }, 'PV "disk" is not bound to it'],
    [{ persistentVolumeClaim: { claimName: 'no' } }, 'persistentvolumeclaims "no" not found'],
    [{ configMap: { name: 'no' } }, 'MountVolume.SetUp failed for volume "v" : configmap "no" not found'],
    [{ secret: { secretName: 'no' } }, 'MountVolume.SetUp failed for volume "v" : secret "no" not found'],
    [{ configMap: { name: 'cm', items: [{ key: 'x', path: 'x' }] } }, 'configmap "cm" references non-existent key: x'],
    [{ hostPath: { path: '/no/such/path', type: 'Directory' } }, 'hostPath type check failed'],
    [{ nfs: { server: 's', path: '/' } }, 'is of a kind that this node cannot provide: nfs'],
  ])('%o fails', async (volume, message) => {
    await expect(mount(volume)).rejects.toThrow(message);
  });
});
