// The dashboard of services: what is shown, and what to make of it.
// Knows metrics by their names; how it is drawn, panel.ts knows.
import type { Dashboard } from './panel.ts';
import { quantiles, RATE } from './queries.ts';

export const services: Dashboard = {
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
