// What servers behind this one must know to believe it: the ConfigMap `extension-apiserver-authentication` of kube-system.
// Knows its fields. (Upstream: controlplane/controller/clusterauthenticationtrust.)
import { ensure } from '../bootstrap.ts';
import type { FrontProxyKeys, ServerContext } from '../context.ts';
import { FRONT_PROXY_NAME } from './front-proxy-name.ts';

export async function publishTrust(
  server: ServerContext,
  { caPem }: FrontProxyKeys,
  clientCaPem: string,
): Promise<void> {
  await ensure(server, server.registry.builtin('', 'v1', 'configmaps'), {
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': clientCaPem,
      'requestheader-client-ca-file': caPem,
      'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_NAME]),
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    },
  });
}
