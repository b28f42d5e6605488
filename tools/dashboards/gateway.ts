// The dashboard of the gateway: what is shown, and what to make of it.
// Knows metrics by their names; how it is drawn, panel.ts knows.
import type { Dashboard } from './panel.ts';
import { quantiles, RATE } from './queries.ts';

export const gateway: Dashboard = {
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
