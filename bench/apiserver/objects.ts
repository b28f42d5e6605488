// The objects that are written: pods as a Deployment makes them and a kubelet reports them, and small ConfigMaps.
// Knows their texts; nothing of requests.

const NAMESPACE = 'default';
export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
export const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

export const podName = (index: number): string => `shop-7d9c5b8f4-${String(index).padStart(5, '0')}`;

/** As a ReplicaSet's controller sends it. */
export function pod(index: number, name = podName(index)): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { app: `shop-${index % 50}`, 'pod-template-hash': '7d9c5b8f4', tier: 'backend' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9090' },
    },
    spec: {
      nodeName: `node-${index % 100}`,
      containers: [
        {
          name: 'main',
          image: 'registry.example/shop/backend:1.27.3',
          command: ['/bin/backend', '--listen', ':8080'],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'DATABASE', value: 'postgres://db.default.svc:5432/shop' },
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          ],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 5 },
        },
      ],
    },
  };
}

/** As a kubelet reports it once it runs. */
export function podStatus(index: number): Record<string, unknown> {
  const at = '2026-11-27T08:00:00Z';
  const ip = `10.244.${(index >> 8) & 255}.${index & 255}`;
  const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: at });
  return {
    status: {
      phase: 'Running',
      hostIP: '10.200.0.2',
      podIP: ip,
      podIPs: [{ ip }],
      startTime: at,
      qosClass: 'Burstable',
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition),
      containerStatuses: [
        {
          name: 'main',
          image: 'registry.example/shop/backend:1.27.3',
          imageID: 'registry.example/shop/backend@sha256:0123456789abcdef',
          containerID: `containerd://${String(index).padStart(64, '0')}`,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: at } },
        },
      ],
    },
  };
}

/** About a kilobyte. */
export function configMap(name: string): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: NAMESPACE, labels: { app: 'bench' } },
    data: { 'application.properties': 'key=value of some length\n'.repeat(40) },
  };
}
