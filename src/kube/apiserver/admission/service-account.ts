// Gives pods their service account, and the volume by which they talk to the API in its name.
// Upstream: plugin ServiceAccount. Knows nothing of who fills the volume.
import type { Container, Pod, ServiceAccount } from 'kubernetes-types/core/v1.js';
import { forbidden } from '#kube/api/status.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { StrategyContext } from '../strategies/strategy.ts';

/** Where clients look for what they need. */
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** As upstream: an hour, and a sign by which such a token is known. */
const TOKEN_SECONDS = 3607;
const MIRROR = 'kubernetes.io/config.mirror';
/** The ConfigMap that every namespace has, with the authority of the API server. */
export const ROOT_CA_MAP = 'kube-root-ca.crt';

/** Throws `StatusError` 403 when the account is not there. */
export function admitServiceAccount(object: AnyObject, context: StrategyContext, suffix: () => string): void {
  const pod = object as Pod;
  const spec = pod.spec ?? { containers: [] };
  const { namespace = '', name: podName = '', annotations = {} } = pod.metadata ?? {};
  // A mirror stands for a pod that needed no API to run.
  if (annotations[MIRROR] !== undefined) return;
  const name = spec.serviceAccountName || spec.serviceAccount || 'default';
  const account = context.lookup('', 'serviceaccounts', namespace, name) as ServiceAccount | undefined;
  // Every namespace is given the default one; it may still be on its way.
  if (account === undefined && name !== 'default') {
    throw forbidden(
      { group: '', resource: 'pods' },
      podName,
      `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    );
  }
  const secrets = spec.imagePullSecrets ?? [];
  const inherited = secrets.length > 0 ? secrets : (account?.imagePullSecrets ?? []);
  object.spec = {
    ...spec,
    serviceAccountName: name,
    serviceAccount: name,
    ...(inherited.length === 0 ? {} : { imagePullSecrets: structuredClone(inherited) }),
  };
  const wanted = spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
  if (wanted) mountToken(object as Pod & AnyObject, suffix);
}

/** Adds the volume and its mounts, but for containers that mount something of their own there. */
function mountToken(pod: Pod & AnyObject, suffix: () => string): void {
  const spec = pod.spec as NonNullable<Pod['spec']>;
  const volumes = spec.volumes ?? [];
  // A pod that was copied from a running one has the volume already.
  const known = volumes.find(({ name }) => name.startsWith(VOLUME_PREFIX))?.name;
  const volume = known ?? `${VOLUME_PREFIX}${suffix()}`;
  let used = false;
  const mount = (container: Container): Container => {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return container;
    used = true;
    return { ...container, volumeMounts: [...mounts, { name: volume, readOnly: true, mountPath: MOUNT_PATH }] };
  };
  const { initContainers } = spec;
  pod.spec = {
    ...spec,
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(mount) }),
    containers: (spec.containers ?? []).map(mount),
  } as Pod['spec'] & AnyObject['spec'];
  if (!used || known !== undefined) return;
  const projected = {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: ROOT_CA_MAP, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: 0o644,
  };
  pod.spec = { ...pod.spec, volumes: [...volumes, { name: volume, projected }] } as Pod['spec'] & AnyObject['spec'];
}
