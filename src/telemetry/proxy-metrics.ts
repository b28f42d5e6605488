// The metrics of the traffic engine: every name, label and bound in one table.
// Knows nothing of how they are counted.

import type { MetricDefinition } from './series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
  maxSeries = 2000,
): MetricDefinition => ({ name: `evenkeel_${name}`, help, type, labels, maxSeries });

export const proxyMetrics = {
  requests: metric(
    'http_requests_total',
    'counter',
    ['listener', 'route', 'code'],
    'Requests answered; route is none when no route matched, code 499 when the client left first.',
    4000,
  ),
  duration: metric(
    'http_request_duration_seconds',
    'histogram',
    ['route'],
    'Time from the end of the request head to the last byte handed to the client.',
    1000,
  ),
  inFlight: metric('http_requests_in_flight', 'gauge', [], 'Requests that are being answered.'),
  rejected: metric(
    'http_rejected_total',
    'counter',
    ['listener', 'code'],
    'Messages refused as malformed or too slow.',
  ),
  connections: metric('downstream_connections', 'gauge', ['listener'], 'Client connections that are open.'),
  accepted: metric('downstream_connections_total', 'counter', ['listener'], 'Client connections accepted.'),
  handshakes: metric(
    'tls_handshakes_total',
    'counter',
    ['listener', 'version', 'resumed'],
    'TLS handshakes with clients that came to their end; resumed is yes or no.',
  ),
  handshakeFailures: metric(
    'tls_handshake_failures_total',
    'counter',
    ['listener', 'reason'],
    'Connections of TLS listeners that ended before or within the handshake.',
  ),
  upstreamRequests: metric(
    'upstream_requests_total',
    'counter',
    ['cluster', 'endpoint', 'outcome'],
    'Attempts on an endpoint (namespace/pod) by outcome: a status class, or what failed.',
    4000,
  ),
  upstreamDuration: metric(
    'upstream_request_duration_seconds',
    'histogram',
    ['cluster', 'endpoint'],
    'Time of one attempt on an endpoint, from sending to the end of its response.',
    1000,
  ),
  retries: metric('http_retries_total', 'counter', ['cluster'], 'Attempts beyond the first.'),
  overflows: metric(
    'cluster_overflows_total',
    'counter',
    ['cluster', 'limit'],
    'Requests refused, or retries not made, because a limit of the cluster was reached: requests, retries, retry_budget, pending.',
  ),
  localReplies: metric(
    'http_local_replies_total',
    'counter',
    ['reason'],
    'Answers of the proxy itself, by reason: direct, redirect, cors_preflight, body_too_large, or what went wrong.',
    100,
  ),
  mirrored: metric(
    'http_mirrored_requests_total',
    'counter',
    ['cluster', 'outcome'],
    'Copies of requests by outcome: answered, failed, timeout, cancelled; or why none was sent: too_large, incomplete, overflow, no_endpoint, draining.',
  ),
  compressionBytes: metric(
    'http_compression_bytes_total',
    'counter',
    ['coding', 'direction'],
    'Payload of responses that were compressed: in as backends sent it, out as clients got it.',
    20,
  ),
  tcpConnections: metric(
    'tcp_connections',
    'gauge',
    ['service'],
    'Connections that a Service, or a TCP or TLS route, carries now.',
  ),
  tcpAccepted: metric(
    'tcp_connections_total',
    'counter',
    ['service', 'outcome'],
    'Connections to a Service or a route: connected, or no_endpoint, connect_failed, overflow.',
  ),
  upstreamConnections: metric(
    'upstream_connections_total',
    'counter',
    ['cluster', 'endpoint'],
    'TCP connections of Services that an endpoint (namespace/pod) was given.',
    4000,
  ),
  udpSessions: metric('udp_sessions', 'gauge', ['service'], 'UDP sessions that a Service or a UDP route carries now.'),
  udpOpened: metric(
    'udp_sessions_total',
    'counter',
    ['service', 'outcome'],
    'UDP sessions opened: connected, or no_endpoint, connect_failed, overflow.',
  ),
  ejections: metric(
    'outlier_ejections_total',
    'counter',
    ['cluster', 'cause'],
    'Endpoints ejected because of how they answered, by the cluster whose settings did it.',
    4000,
  ),
  healthChecks: metric(
    'health_checks_total',
    'counter',
    ['type', 'outcome'],
    'Active health checks by what was asked (http, tcp, grpc): good, or failed.',
    10,
  ),
  clusterEndpoints: metric(
    'cluster_endpoints',
    'gauge',
    ['cluster', 'state'],
    'Endpoints of a cluster: healthy, unhealthy, ejected, pending, drained, not_ready, or leaving.',
    8000,
  ),
  panic: metric('cluster_panic', 'gauge', ['cluster'], '1 while so few endpoints are healthy that all of them count.'),
  panics: metric('cluster_panics_total', 'counter', ['cluster'], 'How often a cluster began to count all endpoints.'),
  accessLogDropped: metric(
    'access_log_dropped_lines_total',
    'counter',
    [],
    'Lines of the access log that were lost, because its file was too slow or could not be written.',
  ),
  buildInfo: metric('build_info', 'gauge', ['version'], 'Always 1; the version that runs.', 10),
} as const satisfies Record<string, MetricDefinition>;
