// The dashboard of autoscaling: what is shown, and what to make of it.
// Knows metrics by their names; how it is drawn, panel.ts knows.
import type { Dashboard } from './panel.ts';
import { RATE } from './queries.ts';

const BY_HPA = 'sum by (namespace, hpa)';

export const autoscaling: Dashboard = {
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
