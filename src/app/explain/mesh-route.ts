// Which routes of the mesh requests in a connection to a Service meet, for people who ask after its packets.
// Knows objects; what a route does with a request is asked by a URL.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { canonicalIp } from '#lib/ip.ts';
import { hostsName } from '#traffic/model/mesh/names.ts';
import type { MeshObjects } from '#traffic/model/mesh/objects.ts';
import { translateMesh } from '#traffic/model/mesh/translate-mesh.ts';

export type MeshRoutes = Pick<MeshObjects, 'httpRoutes' | 'grpcRoutes'>;

/** `port` is `namespace/service:port`. A sentence, or undefined where bytes are carried as they are. */
export function meshRouteOf(
  port: string,
  from: string,
  routes: MeshRoutes,
  service: MeshObjects['service'],
  pods: readonly Pod[],
): string | undefined {
  const part = translateMesh(
    {
      ...routes,
      service,
      tlsRoutes: [],
      tcpRoutes: [],
      udpRoutes: [],
      tlsPolicies: [],
      meshes: [],
      configMap: () => undefined,
    },
    { readCertificate: () => ({ error: '' }), readAuthorities: () => ({ error: '' }) },
  );
  const front = part.fronts.get(port.slice(0, port.lastIndexOf(':')))?.get(port);
  if (front === undefined) return undefined;
  const pod = pods.find(
    ({ spec, status }) =>
      spec?.hostNetwork !== true && (status?.podIPs ?? []).some(({ ip = '' }) => canonicalIp(ip) === from),
  );
  const namespace = pod?.metadata?.namespace ?? '';
  const group = front.groups.includes(namespace) ? namespace : '';
  if (group === '' && front.carried === true) return undefined;
  const host = part.virtualHosts.get(hostsName(front.name, group));
  const names = new Set((host?.routes ?? []).map(({ name }) => name.split('/').slice(1, 4).join('/')));
  const who = group === '' ? '' : `, as routes of namespace "${group}" say for its pods`;
  return `With --mesh the node's own proxy takes it first, and requests are routed by ${[...names].join(', ')}${who}`;
}
