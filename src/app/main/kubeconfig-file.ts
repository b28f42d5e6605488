// Writes the kubeconfig that kubectl, helm and client libraries use to reach the embedded cluster.
// Knows the file's format only; everything in it is handed in.
import { renameSync, writeFileSync } from 'node:fs';
import type { KeyPair } from '#traffic/identity/authority.ts';

export interface KubeconfigContent {
  readonly server: string;
  readonly caPem: string;
  readonly client: KeyPair;
}

/** One cluster, one user, one context, all called `evenkeel`. JSON is YAML: every client reads it. */
export function writeKubeconfig(path: string, content: KubeconfigContent): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'evenkeel', cluster: { server: content.server, 'certificate-authority-data': base64(content.caPem) } },
    ],
    users: [
      {
        name: 'evenkeel',
        user: {
          'client-certificate-data': base64(content.client.certPem),
          'client-key-data': base64(content.client.keyPem),
        },
      },
    ],
    contexts: [{ name: 'evenkeel', context: { cluster: 'evenkeel', user: 'evenkeel' } }],
    'current-context': 'evenkeel',
  };
  writeFileSync(`${path}.new`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
