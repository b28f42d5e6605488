// The dashboards: what is shown of the gateway, of services, of autoscaling and of nodes, and what to make of it.
// Knows metrics by their names, which a test looks for in a running cluster; how it is drawn, panel.ts knows.
import type { Dashboard, Query } from './panel.ts';

const RATE = '[$__rate_interval]';

const quantiles = (bucket: string, by: string): Query[] =>
  ['0.5', '0.95', '0.99'].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${bucket}{${by}}${RATE})))`,
    legend: `p${Number(quantile) * 100}`,
  }));

const gateway: Dashboard = {
  uid: 'evenkeel-gateway',
  title: 'Evenkeel: gateway',
  description: 'What clients see: requests, errors, latency and connections, by route.',
  variables: [{ name: 'route', label: 'Route', query: 'label_values(evenkeel_http_requests_total, route)' }],
  rows: [
    {
      title: 'At a glance',
      panels: [
        {
          title: 'Requests',
          description: 'Answered a second.',
          unit: 'reqps',
          type: 'stat',
          queries: [{ expr: `sum(rate(evenkeel_http_requests_total{route=~"$route"}${RATE}))`, legend: '' }],
        },
        {
          title: 'Errors',
          description: 'Share of answers with 5xx.',
          unit: 'percentunit',
          type: 'stat',
          queries: [
            {
              expr: `(sum(rate(evenkeel_http_requests_total{route=~"$route",code=~"5.."}${RATE})) or vector(0)) / sum(rate(evenkeel_http_requests_total{route=~"$route"}${RATE}))`,
              legend: '',
            },
          ],
        },
        {
          title: 'p99',
          description: 'One request in a hundred takes longer.',
          unit: 's',
          type: 'stat',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (le) (rate(evenkeel_http_request_duration_seconds_bucket{route=~"$route"}${RATE})))`,
              legend: '',
            },
          ],
        },
        {
          title: 'In flight',
          description: 'Requests that are being answered.',
          unit: 'short',
          type: 'stat',
          queries: [{ expr: 'sum(evenkeel_http_requests_in_flight)', legend: '' }],
        },
      ],
    },
    {
      title: 'Requests',
      panels: [
        {
          title: 'By route',
          description: 'none: no route matched the host and path.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (route) (rate(evenkeel_http_requests_total{route=~"$route"}${RATE}))`,
              legend: '{{route}}',
            },
          ],
        },
        {
          title: 'By status',
          description: '499: the client left first.',
          unit: 'reqps',
          stacked: true,
          queries: [
            { expr: `sum by (code) (rate(evenkeel_http_requests_total{route=~"$route"}${RATE}))`, legend: '{{code}}' },
          ],
        },
        {
          title: 'Latency',
          description: 'From the end of the request head to the last byte handed to the client.',
          unit: 's',
          queries: quantiles('evenkeel_http_request_duration_seconds_bucket', 'route=~"$route"'),
        },
      ],
    },
    {
      title: 'What the gateway does itself',
      panels: [
        {
          title: 'Own answers',
          description: 'By reason: redirects and the like, or what went wrong.',
          unit: 'reqps',
          queries: [{ expr: `sum by (reason) (rate(evenkeel_http_local_replies_total${RATE}))`, legend: '{{reason}}' }],
        },
        {
          title: 'Retries',
          description: 'Attempts beyond the first.',
          unit: 'reqps',
          queries: [{ expr: `sum by (cluster) (rate(evenkeel_http_retries_total${RATE}))`, legend: '{{cluster}}' }],
        },
        {
          title: 'Refused by limits',
          description: 'Requests that a limit of the cluster refused.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (cluster, limit) (rate(evenkeel_cluster_overflows_total${RATE}))`,
              legend: '{{cluster}} {{limit}}',
            },
          ],
        },
        {
          title: 'Malformed or too slow',
          description: 'Messages refused before they were requests.',
          unit: 'reqps',
          queries: [{ expr: `sum by (code) (rate(evenkeel_http_rejected_total${RATE}))`, legend: '{{code}}' }],
        },
      ],
    },
    {
      title: 'Connections',
      panels: [
        {
          title: 'Open',
          description: 'Client connections by listener.',
          unit: 'short',
          queries: [{ expr: 'sum by (listener) (evenkeel_downstream_connections)', legend: '{{listener}}' }],
        },
        {
          title: 'TLS handshakes',
          description: 'Resumed ones cost little.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (version, resumed) (rate(evenkeel_tls_handshakes_total${RATE}))`,
              legend: '{{version}} resumed={{resumed}}',
            },
            {
              expr: `sum by (reason) (rate(evenkeel_tls_handshake_failures_total${RATE}))`,
              legend: 'failed: {{reason}}',
            },
          ],
        },
        {
          title: 'Certificates',
          description: 'Time that is left.',
          unit: 's',
          queries: [
            {
              expr: 'min by (certificate) (evenkeel_tls_certificate_expiry_timestamp_seconds) - time()',
              legend: '{{certificate}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What it tells',
      panels: [
        {
          title: 'Spans',
          description: 'Taken by the collector, or lost on the way; no request waits for them.',
          unit: 'ops',
          queries: [
            { expr: `sum(rate(evenkeel_trace_spans_exported_total${RATE}))`, legend: 'exported' },
            { expr: `sum by (reason) (rate(evenkeel_trace_spans_dropped_total${RATE}))`, legend: 'lost: {{reason}}' },
          ],
        },
        {
          title: 'Lines of the access log that were lost',
          description: 'The disk is full, or too slow.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (instance) (rate(evenkeel_access_log_dropped_lines_total${RATE}))`,
              legend: '{{instance}}',
            },
          ],
        },
      ],
    },
    {
      title: 'The process',
      panels: [
        {
          title: 'CPU',
          description: 'Cores in use.',
          unit: 'cores',
          queries: [
            { expr: `rate(process_cpu_seconds_total{job=~"evenkeel.*"}${RATE})`, legend: '{{job}} {{instance}}' },
          ],
        },
        {
          title: 'Memory',
          description: 'Resident.',
          unit: 'bytes',
          queries: [{ expr: 'process_resident_memory_bytes{job=~"evenkeel.*"}', legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'File descriptors',
          description: 'Share of what the process may use.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'process_open_fds{job=~"evenkeel.*"} / process_max_fds{job=~"evenkeel.*"}',
              legend: '{{job}} {{instance}}',
            },
          ],
        },
        {
          title: 'Event loop',
          description: 'Longest pause of the main thread between two scrapes.',
          unit: 's',
          queries: [{ expr: 'evenkeel_event_loop_lag_seconds', legend: '{{job}} {{instance}}' }],
        },
      ],
    },
  ],
};

const services: Dashboard = {
  uid: 'evenkeel-services',
  title: 'Evenkeel: services',
  description:
    'What backends do: attempts, failures and latency of each cluster and endpoint, their health, and plain TCP, UDP and DNS.',
  variables: [{ name: 'cluster', label: 'Cluster', query: 'label_values(evenkeel_cluster_endpoints, cluster)' }],
  rows: [
    {
      title: 'Clusters',
      panels: [
        {
          title: 'Attempts',
          description: 'Requests sent to endpoints, retries included.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (cluster) (rate(evenkeel_upstream_requests_total{cluster=~"$cluster"}${RATE}))`,
              legend: '{{cluster}}',
            },
          ],
        },
        {
          title: 'Outcomes',
          description: 'Status classes, or what failed.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (outcome) (rate(evenkeel_upstream_requests_total{cluster=~"$cluster"}${RATE}))`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'Latency of attempts',
          description: 'From sending to the end of the response.',
          unit: 's',
          queries: quantiles('evenkeel_upstream_request_duration_seconds_bucket', 'cluster=~"$cluster"'),
        },
      ],
    },
    {
      title: 'Endpoints',
      panels: [
        {
          title: 'Attempts by endpoint',
          description: 'An uneven share is wanted where one is slower than the others.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (endpoint) (rate(evenkeel_upstream_requests_total{cluster=~"$cluster"}${RATE}))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'p95 by endpoint',
          description: 'One that stands out is ill, or on a busy node.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (endpoint, le) (rate(evenkeel_upstream_request_duration_seconds_bucket{cluster=~"$cluster"}${RATE})))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'By state',
          description: 'healthy ones get traffic; ejected ones answered badly.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: 'sum by (state) (evenkeel_cluster_endpoints{cluster=~"$cluster"})', legend: '{{state}}' }],
        },
      ],
    },
    {
      title: 'Health',
      panels: [
        {
          title: 'Ejections',
          description: 'By cause.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (cluster, cause) (rate(evenkeel_outlier_ejections_total{cluster=~"$cluster"}${RATE}))`,
              legend: '{{cluster}} {{cause}}',
            },
          ],
        },
        {
          title: 'Health checks',
          description: 'Active ones.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (type, outcome) (rate(evenkeel_health_checks_total${RATE}))`,
              legend: '{{type}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Panic',
          description: '1 while all endpoints count because too few are healthy.',
          unit: 'short',
          queries: [{ expr: 'max by (cluster) (evenkeel_cluster_panic{cluster=~"$cluster"})', legend: '{{cluster}}' }],
        },
      ],
    },
    {
      title: 'TCP, UDP, DNS',
      panels: [
        {
          title: 'TCP connections',
          description: 'Carried now.',
          unit: 'short',
          queries: [{ expr: 'sum by (service) (evenkeel_tcp_connections)', legend: '{{service}}' }],
        },
        {
          title: 'UDP sessions',
          description: 'Carried now.',
          unit: 'short',
          queries: [{ expr: 'sum by (service) (evenkeel_udp_sessions)', legend: '{{service}}' }],
        },
        {
          title: 'DNS answers',
          description: 'By who gave them and response code.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (source, rcode) (rate(evenkeel_dns_responses_total${RATE}))`,
              legend: '{{source}} {{rcode}}',
            },
          ],
        },
        {
          title: 'DNS latency',
          description: 'p99 by who answers.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (source, le) (rate(evenkeel_dns_request_duration_seconds_bucket${RATE})))`,
              legend: '{{source}}',
            },
          ],
        },
      ],
    },
  ],
};

const BY_HPA = 'sum by (namespace, hpa)';

const autoscaling: Dashboard = {
  uid: 'evenkeel-autoscaling',
  title: 'Evenkeel: autoscaling',
  description: 'How many pods autoscalers want and get, and what the controllers do.',
  variables: [
    { name: 'namespace', label: 'Namespace', query: 'label_values(evenkeel_deployment_replicas, namespace)' },
  ],
  rows: [
    {
      title: 'Autoscalers',
      panels: [
        {
          title: 'Wanted and there',
          description: 'A gap that stays means that pods do not become ready.',
          unit: 'short',
          queries: [
            { expr: `${BY_HPA} (evenkeel_hpa_desired_replicas{namespace=~"$namespace"})`, legend: '{{hpa}} wants' },
            { expr: `${BY_HPA} (evenkeel_hpa_current_replicas{namespace=~"$namespace"})`, legend: '{{hpa}} has' },
          ],
        },
        {
          title: 'Of its maximum',
          description: 'At 100 % a growing load will not be met.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'evenkeel_hpa_desired_replicas{namespace=~"$namespace"} / evenkeel_hpa_max_replicas{namespace=~"$namespace"}',
              legend: '{{namespace}}/{{hpa}}',
            },
          ],
        },
        {
          title: 'Of its minimum',
          description: 'At 100 % it is as small as it may be.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'evenkeel_hpa_desired_replicas{namespace=~"$namespace"} / evenkeel_hpa_min_replicas{namespace=~"$namespace"}',
              legend: '{{namespace}}/{{hpa}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Deployments',
      panels: [
        {
          title: 'Ready pods',
          description: 'By Deployment.',
          unit: 'short',
          queries: [
            {
              expr: 'evenkeel_deployment_ready_replicas{namespace=~"$namespace"}',
              legend: '{{namespace}}/{{deployment}}',
            },
          ],
        },
        {
          title: 'Pods that are missing',
          description: 'Wanted, and not ready.',
          unit: 'short',
          queries: [
            {
              expr: 'evenkeel_deployment_replicas{namespace=~"$namespace"} - evenkeel_deployment_ready_replicas{namespace=~"$namespace"}',
              legend: '{{namespace}}/{{deployment}}',
            },
          ],
        },
        {
          title: 'CPU of pods',
          description: 'Cores, by namespace.',
          unit: 'cores',
          queries: [
            {
              expr: `sum by (namespace) (rate(pod_cpu_usage_seconds_total{namespace=~"$namespace"}${RATE}))`,
              legend: '{{namespace}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Controllers',
      panels: [
        {
          title: 'Keys worked on',
          description: 'Done and failed.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (queue, outcome) (rate(evenkeel_workqueue_reconciles_total${RATE}))`,
              legend: '{{queue}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Waiting',
          description: 'Keys in the queues; they should be short.',
          unit: 'short',
          queries: [{ expr: 'sum by (queue) (evenkeel_workqueue_depth)', legend: '{{queue}}' }],
        },
        {
          title: 'p99 of the wait',
          description: 'Time in the queue.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (queue, le) (rate(evenkeel_workqueue_wait_duration_seconds_bucket${RATE})))`,
              legend: '{{queue}}',
            },
          ],
        },
        {
          title: 'p99 of the work',
          description: 'Time for one key.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (queue, le) (rate(evenkeel_workqueue_work_duration_seconds_bucket${RATE})))`,
              legend: '{{queue}}',
            },
          ],
        },
      ],
    },
  ],
};

const nodes: Dashboard = {
  uid: 'evenkeel-nodes',
  title: 'Evenkeel: nodes',
  description: 'Nodes, what runs on them, and the API server.',
  variables: [],
  rows: [
    {
      title: 'Nodes',
      panels: [
        {
          title: 'Nodes',
          description: 'By condition.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: 'sum by (condition) (evenkeel_nodes)', legend: '{{condition}}' }],
        },
        {
          title: 'CPU',
          description: 'Cores in use by node.',
          unit: 'cores',
          queries: [{ expr: `rate(node_cpu_usage_seconds_total${RATE})`, legend: '{{instance}}' }],
        },
        {
          title: 'Memory',
          description: 'Working set by node.',
          unit: 'bytes',
          queries: [{ expr: 'node_memory_working_set_bytes', legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Pods',
      panels: [
        {
          title: 'By phase',
          description: 'Of the whole cluster.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: 'sum by (phase) (evenkeel_pods)', legend: '{{phase}}' }],
        },
        {
          title: 'Ready by node',
          description: 'Pods that take traffic.',
          unit: 'short',
          queries: [{ expr: 'sum by (instance) (evenkeel_kubelet_ready_pods)', legend: '{{instance}}' }],
        },
        {
          title: 'What happens',
          description: 'Unhealthy: a probe failed. BackOff: a container keeps ending.',
          unit: 'ops',
          queries: [{ expr: `sum by (reason) (rate(evenkeel_kubelet_pod_events_total${RATE}))`, legend: '{{reason}}' }],
        },
        {
          title: 'Memory of containers',
          description: 'The ten largest.',
          unit: 'bytes',
          queries: [
            { expr: 'topk(10, container_memory_working_set_bytes)', legend: '{{namespace}}/{{pod}} {{container}}' },
          ],
        },
      ],
    },
    {
      title: 'API server',
      panels: [
        {
          title: 'Requests',
          description: 'By verb.',
          unit: 'reqps',
          stacked: true,
          queries: [{ expr: `sum by (verb) (rate(evenkeel_apiserver_requests_total${RATE}))`, legend: '{{verb}}' }],
        },
        {
          title: 'Errors',
          description: '4xx are mostly conflicts of writers and objects that are not there.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (code) (rate(evenkeel_apiserver_requests_total{code=~"[45].."}${RATE}))`,
              legend: '{{code}}',
            },
          ],
        },
        {
          title: 'p99',
          description: 'By verb, watches left out.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (verb, le) (rate(evenkeel_apiserver_request_duration_seconds_bucket${RATE})))`,
              legend: '{{verb}}',
            },
          ],
        },
        {
          title: 'Writes',
          description: 'Revisions of the store a second.',
          unit: 'ops',
          queries: [{ expr: `rate(evenkeel_apiserver_storage_revision${RATE})`, legend: 'revisions' }],
        },
        {
          title: 'Watches',
          description: 'Streams that are open.',
          unit: 'short',
          queries: [{ expr: 'sum by (resource) (evenkeel_apiserver_long_running_requests)', legend: '{{resource}}' }],
        },
        {
          title: 'Objects',
          description: 'The ten most frequent.',
          unit: 'short',
          queries: [{ expr: 'topk(10, evenkeel_apiserver_storage_objects)', legend: '{{resource}}' }],
        },
      ],
    },
  ],
};

export const dashboards: Readonly<Record<string, Dashboard>> = { gateway, services, autoscaling, nodes };
