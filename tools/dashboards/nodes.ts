// The dashboard of nodes: what is shown, and what to make of it.
// Knows metrics by their names; how it is drawn, panel.ts knows.
import type { Dashboard } from './panel.ts';
import { RATE } from './queries.ts';

export const nodes: Dashboard = {
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
