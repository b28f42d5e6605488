// The admin page as text: what is wrong, then every cluster with its endpoints: who is in, who is out and why.
// Knows no HTTP; every value is escaped on its way in.
import type { ClusterReport, EndpointReport } from '#traffic/proxy/cluster-report.ts';
import { endpointActionPath } from './actions.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const LINKS = ['/metrics', '/stats', '/clusters', '/config_dump', '/healthz', '/readyz'];

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1a202c;background:#fafafa}
h1{font-size:1.4rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}h2 small{font-weight:400;color:#718096}nav a{margin-right:1rem}
table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;vertical-align:top;padding:.3rem .7rem;border-bottom:1px solid #e2e8f0;font-variant-numeric:tabular-nums}
th{font-weight:500;color:#718096}table{table-layout:fixed}td{overflow-wrap:anywhere}td small{color:#718096}.n{text-align:right}.in{color:#276749}.out{color:#9b2c2c}.wait{color:#975a16}
.sum{padding:.5rem .9rem;border-left:4px solid #38a169;background:#f0fff4}.sum.bad{border-color:#e53e3e;background:#fff5f5}.sum ul{margin:.2rem 0;padding-left:1.2rem}
form{display:inline}button{font:inherit;font-size:.8rem;padding:0 .5rem}`;

/** The same in every table, so that they line up. */
const COLUMNS = [23, 16, 25, 7, 10, 11, 8].map((percent) => `<col style="width:${percent}%">`).join('');

/** The whole document; it renews itself every two seconds. */
export function renderIndex(clusters: readonly ClusterReport[], uptimeSeconds: number): string {
  const sorted = [...clusters].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Evenkeel admin</title>
<link rel="icon" href="data:,"><style>${STYLE}</style></head><body><h1>Evenkeel</h1>
<p>Up for ${duration(uptimeSeconds)}. ${clusters.length === 1 ? '1 cluster' : `${clusters.length} clusters`}: a Service port each. The gateway counts requests; connections are those made to a Service's own address.</p>
<nav>${LINKS.map((path) => `<a href="${path}">${path}</a>`).join('')}</nav>
${summary(sorted)}
${sorted.map(section).join('\n')}
</body></html>
`;
}

/** One look tells whether anything is wrong, and where. */
function summary(clusters: readonly ClusterReport[]): string {
  const troubles = clusters.flatMap((cluster) => troubleOf(cluster).map((text) => [cluster.name, text] as const));
  if (troubles.length === 0) return '<p class="sum">Every cluster has healthy endpoints, and none is out.</p>';
  const items = troubles.map(([name, text]) => `<li><b>${escaped(name)}</b>: ${escaped(text)}`);
  return `<div class="sum bad"><ul>${items.join('')}</ul></div>`;
}

/** What an operator should know of a cluster; nothing while all is well. Pods that come and go are no trouble. */
function troubleOf({ endpoints, panic }: ClusterReport): readonly string[] {
  const troubles: string[] = [];
  if (endpoints.length > 0 && !endpoints.some(({ usable }) => usable)) troubles.push('no endpoint can take requests');
  if (panic) troubles.push('too few endpoints are healthy, so that all of them get requests');
  for (const state of ['unhealthy', 'ejected', 'pending', 'drained'] as const) {
    const count = endpoints.filter((endpoint) => endpoint.state === state).length;
    if (count > 0) troubles.push(`${count} of ${endpoints.length} ${WORDS[state]}`);
  }
  return troubles;
}

function duration(seconds: number): string {
  const [minutes, hours] = [Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.round(seconds)} s`;
}

function section(cluster: ClusterReport): string {
  const { name, policy, endpoints, levels } = cluster;
  const rows = endpoints.map((endpoint) => row(cluster, endpoint)).join('');
  const head =
    '<tr><th>Pod<th>Address<th>State<th class="n">In flight<th class="n">Connections<th class="n">Requests<th></tr>';
  const shares = levels.length > 1 ? `, ${levels.map((level) => `${level.name} ${level.load}%`).join(', ')}` : '';
  const table = rows === '' ? '<p>No endpoints.</p>' : `<table>${COLUMNS}${head}${rows}</table>`;
  return `<h2>${escaped(name)} <small>${escaped(policy.type)}${escaped(shares)}</small></h2>${table}`;
}

function row(cluster: ClusterReport, endpoint: EndpointReport): string {
  const outcomes = Object.entries(endpoint.requests);
  const told = outcomes.map(([outcome, count]) => `${escaped(outcome)}&nbsp;${count}`);
  const requests = outcomes.length === 0 ? 0 : told.join('<br>');
  const cells = [escaped(endpoint.pod === '' ? '-' : endpoint.pod), escaped(`${endpoint.address}:${endpoint.port}`)];
  return `<tr><td>${cells.join('<td>')}${stateCell(cluster, endpoint)}<td class="n">${endpoint.inFlight}<td class="n">${endpoint.connections}<td class="n">${requests}<td class="n">${button(cluster, endpoint)}</tr>`;
}

const WORDS: Readonly<Record<EndpointReport['state'], string>> = {
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  ejected: 'ejected',
  pending: 'not checked yet',
  drained: 'drained',
  not_ready: 'not ready',
  leaving: 'leaving',
};

function stateCell({ levels }: ClusterReport, endpoint: EndpointReport): string {
  const { state, reason, usable, serving, level, facts } = endpoint;
  const notes: string[] = [];
  if (reason !== '') notes.push(reason);
  if (state === 'leaving' && serving) notes.push('still serving');
  if (usable && state !== 'healthy' && state !== 'leaving') notes.push('used all the same: too few are healthy');
  if (levels.length > 1 && level !== '') notes.push(`level ${level}`);
  const warm = facts.slowStartFactor ?? 1;
  if (warm < 1) notes.push(`slow start at ${Math.round(warm * 100)}%`);
  const kind = state === 'healthy' ? (warm < 1 ? 'wait' : 'in') : state === 'pending' ? 'wait' : 'out';
  const text = notes.length === 0 ? '' : `<br><small>${escaped(notes.join('; '))}</small>`;
  return `<td class="${kind}">${WORDS[state]}${text}`;
}

function button({ name }: ClusterReport, { key, state }: EndpointReport): string {
  if (state === 'leaving') return '';
  const verb = state === 'drained' ? 'undrain' : 'drain';
  const path = escaped(endpointActionPath(name, key, verb));
  return `<form method="post" action="${path}"><button>${verb}</button></form>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
