// What monitoring asks a kubelet for: the summary as JSON, and resource metrics as Prometheus text.
// Pure. (Upstream: pkg/kubelet/apis/stats/v1alpha1, pkg/kubelet/metrics/collectors/resource_metrics.go.)
import type { MetricFormat } from '#telemetry/format.ts';
import type { PodUsage } from './sampler.ts';
import { sumUsage, type Usage } from './usage.ts';

export interface NodeUsage {
  readonly nodeName: string;
  /** Wall time of the kubelet's start in milliseconds. */
  readonly startedAt: number;
  readonly usage: Usage;
}

const iso = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;

function figures(usage: Usage): Record<string, unknown> {
  const time = iso(usage.at);
  return {
    cpu: {
      time,
      ...(usage.nanoCores === undefined ? {} : { usageNanoCores: usage.nanoCores }),
      usageCoreNanoSeconds: usage.cpuNanos,
    },
    memory: { time, workingSetBytes: usage.workingSetBytes, rssBytes: usage.rssBytes },
  };
}

/** `/stats/summary`. */
export function summary(node: NodeUsage, pods: readonly PodUsage[]): unknown {
  return {
    node: { nodeName: node.nodeName, startTime: iso(node.startedAt), ...figures(node.usage) },
    pods: pods.map(({ pod, containers }) => {
      const { name, namespace, uid } = pod.metadata ?? {};
      const usages = containers.map(({ usage }) => usage);
      const at = Math.max(0, ...usages.map((usage) => usage.at));
      return {
        podRef: { name, namespace, uid },
        startTime: pod.status?.startTime ?? null,
        containers: containers.map(({ name: container, startedAt, usage }) => ({
          name: container,
          startTime: iso(startedAt),
          ...figures(usage),
        })),
        ...(usages.length === 0 ? {} : figures(sumUsage(usages, at))),
      };
    }),
  };
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at: number;
}

type Family = readonly [name: string, kind: 'counter' | 'gauge', help: string, samples: readonly Sample[]];

/** OpenMetrics names a counter without `_total`, and has seconds where Prometheus' format has milliseconds. */
function familyText([name, kind, help, samples]: Family, format: MetricFormat): string {
  const isOpen = format === 'openmetrics';
  const quoted = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  const lines = samples.map(({ labels, value, at }) => {
    const text = Object.entries(labels)
      .map(([label, of]) => `${label}="${quoted(of)}"`)
      .join(',');
    return `${name}${text === '' ? '' : `{${text}}`} ${value} ${isOpen ? at / 1000 : at}\n`;
  });
  const named = isOpen ? name.replace(/_total$/, '') : name;
  return samples.length === 0 ? '' : `# HELP ${named} ${help}\n# TYPE ${named} ${kind}\n${lines.join('')}`;
}

/** `/metrics/resource`, as metrics-server and Prometheus read it. Ends with a line break. */
export function resourceMetrics(
  node: NodeUsage,
  pods: readonly PodUsage[],
  format: MetricFormat = 'prometheus',
): string {
  const seconds = (nanos: number): number => nanos / 1e9;
  const of = (pod: PodUsage['pod']): { namespace: string; pod: string } => ({
    namespace: pod.metadata?.namespace ?? '',
    pod: pod.metadata?.name ?? '',
  });
  const containers = pods.flatMap(({ pod, containers: all }) =>
    all.map(({ name, startedAt, usage }) => ({ labels: { container: name, ...of(pod) }, startedAt, usage })),
  );
  const whole = pods
    .filter((pod) => pod.containers.length > 0)
    .map(({ pod, containers: all }) => {
      const usages = all.map(({ usage }) => usage);
      return { labels: of(pod), usage: sumUsage(usages, Math.max(...usages.map(({ at }) => at))) };
    });
  const cpu = ({ labels, usage }: { labels: Record<string, string>; usage: Usage }): Sample => ({
    labels,
    value: seconds(usage.cpuNanos),
    at: usage.at,
  });
  const memory = ({ labels, usage }: { labels: Record<string, string>; usage: Usage }): Sample => ({
    labels,
    value: usage.workingSetBytes,
    at: usage.at,
  });
  const own = { labels: {}, usage: node.usage };
  const cpuHelp = (what: string): string => `[STABLE] Cumulative cpu time consumed by the ${what} in core-seconds`;
  const memoryHelp = (what: string): string => `[STABLE] Current working set of the ${what} in bytes`;
  const families: readonly Family[] = [
    ['node_cpu_usage_seconds_total', 'counter', cpuHelp('node'), [cpu(own)]],
    ['node_memory_working_set_bytes', 'gauge', memoryHelp('node'), [memory(own)]],
    ['pod_cpu_usage_seconds_total', 'counter', cpuHelp('pod'), whole.map(cpu)],
    ['pod_memory_working_set_bytes', 'gauge', memoryHelp('pod'), whole.map(memory)],
    ['container_cpu_usage_seconds_total', 'counter', cpuHelp('container'), containers.map(cpu)],
    ['container_memory_working_set_bytes', 'gauge', memoryHelp('container'), containers.map(memory)],
    [
      'container_start_time_seconds',
      'gauge',
      '[STABLE] Start time of the container since unix epoch in seconds',
      containers.map(({ labels, startedAt, usage }) => ({ labels, value: startedAt / 1000, at: usage.at })),
    ],
  ];
  return [
    ...families.map((one) => familyText(one, format)),
    '# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n' +
      '# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n',
  ].join('');
}
