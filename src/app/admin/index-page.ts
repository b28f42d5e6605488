// The admin page as text: every cluster with its endpoints, who is in, and who got what.
// Knows no HTTP; every value is escaped on its way in.

/** A cluster as the engine reports it. */
export interface ClusterView {
  readonly name: string;
  readonly policy: { readonly type: string };
  readonly endpoints: ReadonlyArray<{
    readonly address: string;
    readonly port: number;
    readonly pod: string;
    readonly ready: boolean;
    readonly serving: boolean;
    readonly terminating: boolean;
    readonly inFlight: number;
    /** TCP connections of Services, since the start. */
    readonly connections: number;
    /** HTTP requests by outcome, since the start. */
    readonly requests: Readonly<Record<string, number | undefined>>;
  }>;
}

type EndpointView = ClusterView['endpoints'][number];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const LINKS = ['/metrics', '/stats', '/clusters', '/config_dump', '/healthz', '/readyz'];

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a202c;background:#fafafa}
h1{font-size:1.4rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}h2 small{font-weight:400;color:#718096}nav a{margin-right:1rem}
table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;padding:.3rem .7rem;border-bottom:1px solid #e2e8f0;font-variant-numeric:tabular-nums}
th{font-weight:500;color:#718096}table{table-layout:fixed}td{overflow-wrap:anywhere}.n{text-align:right}.in{color:#276749}.out{color:#9b2c2c}`;

/** The same in every table, so that they line up. */
const COLUMNS = [30, 18, 17, 8, 11, 16].map((percent) => `<col style="width:${percent}%">`).join('');

/** The whole document; it renews itself every two seconds. */
export function renderIndex(clusters: readonly ClusterView[], uptimeSeconds: number): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Evenkeel admin</title>
<link rel="icon" href="data:,"><style>${STYLE}</style></head><body><h1>Evenkeel</h1>
<p>Up for ${duration(uptimeSeconds)}. ${clusters.length} clusters: a Service port each. The gateway counts requests; connections are those made to a Service's own address.</p>
<nav>${LINKS.map((path) => `<a href="${path}">${path}</a>`).join('')}</nav>
${[...clusters]
  .sort((a, b) => (a.name < b.name ? -1 : 1))
  .map(section)
  .join('\n')}
</body></html>
`;
}

function duration(seconds: number): string {
  const [minutes, hours] = [Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.round(seconds)} s`;
}

function section({ name, policy, endpoints }: ClusterView): string {
  const rows = endpoints.map(row).join('');
  const table = `<table>${COLUMNS}<tr><th>Pod<th>Address<th>State<th class="n">In flight<th class="n">Connections<th class="n">Requests</tr>${rows}</table>`;
  return `<h2>${escaped(name)} <small>${escaped(policy.type)}</small></h2>${rows === '' ? '<p>No endpoints.</p>' : table}`;
}

function row(endpoint: EndpointView): string {
  const state = stateOf(endpoint);
  const outcomes = Object.entries(endpoint.requests);
  const told = outcomes.map(([outcome, count]) => `${escaped(outcome)}&nbsp;${count ?? 0}`);
  const requests = outcomes.length === 0 ? 0 : told.join('<br>');
  const cells = [escaped(endpoint.pod === '' ? '-' : endpoint.pod), escaped(`${endpoint.address}:${endpoint.port}`)];
  return `<tr><td>${cells.join('<td>')}<td class="${state === 'ready' ? 'in' : 'out'}">${state}<td class="n">${endpoint.inFlight}<td class="n">${endpoint.connections}<td class="n">${requests}</tr>`;
}

function stateOf({ ready, serving, terminating }: EndpointView): string {
  if (terminating) return serving ? 'leaving, still serving' : 'leaving';
  return ready ? 'ready' : 'not ready';
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
