// Kubeconfig files, good and bad; what is wrong must be named.
// Files live in a temporary folder of each test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { inClusterConfig, loadKubeconfig } from './kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const DATA = Buffer.from(PEM).toString('base64');

let folder: string;
const { KUBECONFIG } = process.env;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (KUBECONFIG === undefined) delete process.env.KUBECONFIG;
  else process.env.KUBECONFIG = KUBECONFIG;
});

function file(content: unknown, name = 'config'): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

interface Parts {
  cluster?: Record<string, unknown>;
  user?: Record<string, unknown>;
  context?: Record<string, unknown>;
  name?: string;
}

function config({ cluster = {}, user = {}, context = {}, name = 'main' }: Parts = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
  };
}

describe('loadKubeconfig', () => {
  test('reads address, trust, identity and namespace, from data', () => {
    const path = file(
      config({
        cluster: { 'certificate-authority-data': DATA, 'tls-server-name': 'kubernetes' },
        user: { 'client-certificate-data': DATA, 'client-key-data': DATA, token: 'secret' },
        context: { namespace: 'shop' },
      }),
    );
    expect(loadKubeconfig(path)).toEqual({
      server: 'https://127.0.0.1:6443',
      caPem: PEM,
      tlsServerName: 'kubernetes',
      clientCertPem: PEM,
      clientKeyPem: PEM,
      token: 'secret',
      namespace: 'shop',
    });
  });

  test('reads files beside the kubeconfig, and the token file before the token', () => {
    file(PEM, 'ca.pem');
    file('from-file\n', 'token');
    const path = file(
      config({ cluster: { 'certificate-authority': 'ca.pem' }, user: { tokenFile: 'token', token: 'x' } }),
    );
    expect(loadKubeconfig(path)).toMatchObject({ caPem: PEM, token: 'from-file' });
  });

  test('takes another context when asked', () => {
    const both = config();
    (both.contexts as unknown[]).push({ name: 'other', context: { cluster: 'main', namespace: 'other' } });
    expect(loadKubeconfig(file(both), 'other')).toEqual({ server: 'https://127.0.0.1:6443', namespace: 'other' });
  });

  test('merges the files of $KUBECONFIG; the first to name a thing wins, and missing ones are skipped', () => {
    const first = file({ 'current-context': 'main' }, 'first');
    const second = file({ ...config({ user: { token: 'second' } }), 'current-context': 'nobody' }, 'second');
    process.env.KUBECONFIG = [join(folder, 'absent'), first, second].join(delimiter);
    expect(loadKubeconfig()).toMatchObject({ token: 'second' });
  });

  test.each<[string, unknown, string]>([
    ['no context', { ...config(), 'current-context': '' }, 'current-context is not set; name a context'],
    ['a context that is not there', { ...config(), contexts: [] }, 'contexts has no entry named "main"; it has none'],
    ['a cluster that is not there', { ...config(), clusters: null }, 'clusters has no entry named "main"'],
    ['a list that is none', { ...config(), users: 'me' }, 'users must be a list'],
    ['no server', config({ cluster: { server: '' } }), 'clusters["main"].cluster.server is missing'],
    [
      'a server that is no URL',
      config({ cluster: { server: 'localhost' } }),
      '"localhost" is not an http or https URL',
    ],
    [
      'a certificate without key',
      config({ user: { 'client-certificate-data': DATA } }),
      'users["main"].user.client-key is missing; certificate and key go together',
    ],
    [
      'data that is no PEM',
      config({ cluster: { 'certificate-authority-data': 'bm8=' } }),
      'clusters["main"].cluster.certificate-authority-data is not base64 of a PEM block',
    ],
    [
      'a file that is not there',
      config({ user: { tokenFile: 'gone' } }),
      'users["main"].user.tokenFile "gone" cannot be read: it is not there (ENOENT)',
    ],
    ['a plugin', config({ user: { exec: { command: 'aws' } } }), 'users["main"].user.exec is not supported'],
    ['bad YAML', 'a: 1\nb: [', 'is not valid YAML at line 2, column '],
    ['an empty file', '', 'is empty or not a mapping'],
  ])('says what is wrong with %s', (_what, content, message) => {
    const path = file(content);
    expect(() => loadKubeconfig(path)).toThrow(message);
    expect(() => loadKubeconfig(path)).toThrow(`Kubeconfig "${path}"`);
  });

  test('says which file does not exist', () => {
    expect(() => loadKubeconfig(join(folder, 'none'))).toThrow(/none" cannot be read: it is not there \(ENOENT\)/);
  });
});

describe('inClusterConfig', () => {
  test('takes the service account of the pod', () => {
    file('tok\n', 'token');
    file(PEM, 'ca.crt');
    file('shop', 'namespace');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    expect(inClusterConfig(env, folder)).toEqual({
      server: 'https://[fd00::1]:6443',
      caPem: PEM,
      token: 'tok',
      namespace: 'shop',
    });
    expect(inClusterConfig({}, folder)).toBeUndefined();
  });
});
