// Small manifests for tests, around the built-in echo image.
// Knows Kubernetes' shapes; nothing of the shop.

export interface EchoApp {
  readonly name: string;
  readonly namespace: string;
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Further fields of the container. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Left out: 2. */
  readonly graceSeconds?: number;
  /** Host name of an Ingress in front; none without it. */
  readonly host?: string;
}

/** Namespace, Deployment, Service and, when a host is given, Ingress, as text for standard input. */
export function echoManifests(app: EchoApp): string {
  const { name, namespace, replicas = 1, env = {}, container = {}, graceSeconds = 2, host } = app;
  const labels = { 'app.kubernetes.io/name': name };
  const objects: unknown[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: graceSeconds,
            containers: [
              {
                name,
                image: 'evenkeel.dev/echo',
                ports: [{ name: 'http', containerPort: 8080 }],
                env: [
                  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                  { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
                  ...Object.entries(env).map(([key, value]) => ({ name: key, value })),
                ],
                readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1 },
                ...container,
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    },
  ];
  if (host !== undefined) {
    const backend = { service: { name, port: { name: 'http' } } };
    objects.push({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, namespace },
      spec: {
        ingressClassName: 'evenkeel',
        rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      },
    });
  }
  // JSON is YAML, but kubectl takes a text that begins with a brace for plain JSON, which knows no separators.
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
}
