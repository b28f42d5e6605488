// An explanation as text, for a terminal: the steps of the way in the order in which a request takes them.
// Knows words and columns; decides nothing.
import type { BalancingPolicy } from '#traffic/model/ir.ts';
import { describeAnswer } from '#traffic/proxy/explain/describe-answer.ts';
import type {
  ExplainedBackend,
  ExplainedEndpoint,
  Explanation,
  OtherRoute,
} from '#traffic/proxy/explain/explanation.ts';
import { formatTable } from '../cli/table.ts';

const LABEL_WIDTH = 14;

/** Ends with a line break. */
export function formatExplanation(explanation: Explanation): string {
  const { summary, remedy, request, others, backends } = explanation;
  const blocks = [
    `${request.method} ${request.url}`,
    remedy === undefined ? `${summary}.` : `${summary}.\n${remedy}.`,
    steps(explanation),
    ...backends.map((backend) => backendBlock(backend, backends.length > 1)),
    othersBlock(others),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function steps({ listener, certificate, virtualHost, route, filters, location, backends }: Explanation): string {
  const lines: string[] = [];
  const add = (label: string, text: string): void => {
    lines.push(`${label.padEnd(LABEL_WIDTH)}${text}`);
  };
  if (listener !== undefined) {
    const { name, protocol, address, port } = listener;
    add('Listener', `${name}  ${protocol} ${address === '' ? '*' : address}:${port}`);
  }
  if (certificate !== undefined) {
    const { name, hostnames } = certificate;
    add('Certificate', `${name}  ${hostnames.length === 0 ? 'shown where no other fits' : hostnames.join(', ')}`);
  }
  if (virtualHost !== undefined) add('Virtual host', `${virtualHost.name}  ${virtualHost.hostname}`);
  if (route !== undefined) {
    add('Route', `${route.name}  ${route.matches.join(', ')}`);
    if (route.wonOver !== undefined) add('', `before "${route.wonOver.name}", because ${route.wonOver.because}`);
    const { timeouts = {}, retry } = route;
    const times = Object.entries(timeouts).map(([name, ms]) => `${name} ${ms} ms`);
    if (times.length > 0) add('Time-outs', times.join(', '));
    if (retry !== undefined)
      add('Retries', `${retry.attempts}${retry.on === undefined ? '' : ` on ${retry.on.join(', ')}`}`);
  }
  // Filters of a single backend run with the route's, in one order.
  const only = backends.length === 1 ? backends[0] : undefined;
  for (const [place, filter] of (only?.filters ?? filters).entries()) {
    add(place === 0 ? 'Filters' : '', `${place + 1}. ${filter}`);
  }
  if (location !== undefined) add('Location', location);
  if (only?.sentAs !== undefined) add('Sent as', sentAs(only.sentAs));
  return lines.join('\n');
}

function backendBlock(backend: ExplainedBackend, several: boolean): string {
  const { cluster, share, policy, hashKey, filters, levels, endpoints, problem } = backend;
  const parts = [
    ...(several ? [`${percent(share)} of requests`] : []),
    ...(policy === undefined ? [] : [describePolicy(policy)]),
    ...(hashKey === undefined ? [] : [`hashes "${hashKey}"`]),
    ...levels
      .filter(({ name, panic }) => panic || name !== 'any')
      .map(({ name, load, panic }) => `${name} ${load}%${panic ? ' (panic: all count as healthy)' : ''}`),
  ];
  const lines = [`${'Cluster'.padEnd(LABEL_WIDTH)}${cluster}  ${parts.join(', ')}`.trimEnd()];
  if (several) {
    for (const [place, filter] of filters.entries()) {
      lines.push(`${(place === 0 ? 'Filters' : '').padEnd(LABEL_WIDTH)}${place + 1}. ${filter}`);
    }
  }
  if (backend.affinity !== undefined) {
    const { by, endpoint } = backend.affinity;
    const told = endpoint === undefined ? 'a new client, placed by the policy' : `this client stays with ${endpoint}`;
    lines.push(`${'Affinity'.padEnd(LABEL_WIDTH)}by ${by}: ${told}`);
  }
  if (backend.settings !== undefined) {
    const rows = backend.settings.map(({ name, value, from }) => [name, value, from]);
    lines.push('', indented(formatTable(['SETTING', 'VALUE', 'SAID BY'], rows).trimEnd()));
  }
  if (several && backend.sentAs !== undefined) lines.push(`${'Sent as'.padEnd(LABEL_WIDTH)}${sentAs(backend.sentAs)}`);
  if (several && backend.answer !== undefined) lines.push(`${''.padEnd(LABEL_WIDTH)}${describeAnswer(backend.answer)}`);
  if (problem !== undefined) lines.push(`${''.padEnd(LABEL_WIDTH)}${problem}`);
  if (endpoints.length > 0) lines.push('', indented(endpointTable(endpoints)));
  return lines.join('\n');
}

function sentAs({ host, path }: { readonly host: string; readonly path: string }): string {
  return `${path}, Host: ${host}`;
}

function endpointTable(endpoints: readonly ExplainedEndpoint[]): string {
  const details = [...new Set(endpoints.flatMap((endpoint) => Object.keys(endpoint.details)))].filter(
    (name) => name !== 'weight',
  );
  const live = endpoints.some(({ inFlight }) => inFlight !== undefined);
  const reasons = endpoints.some(({ reason }) => reason !== '');
  const header = [
    'ENDPOINT',
    'POD',
    'STATE',
    'WEIGHT',
    ...(live ? ['IN FLIGHT'] : []),
    ...details.map((name) => name.toUpperCase()),
    'CHANCE',
    ...(reasons ? ['WHY'] : []),
  ];
  const rows = endpoints.map((endpoint) => [
    endpoint.key,
    endpoint.pod === '' ? '-' : endpoint.pod,
    endpoint.state.replaceAll('_', ' '),
    `${round(endpoint.weight)}`,
    ...(live ? [endpoint.inFlight === undefined ? '-' : `${endpoint.inFlight}`] : []),
    ...details.map((name) => (endpoint.details[name] === undefined ? '-' : `${round(endpoint.details[name])}`)),
    percent(endpoint.chance),
    ...(reasons ? [endpoint.reason] : []),
  ]);
  return formatTable(header, rows).trimEnd();
}

function othersBlock(others: readonly OtherRoute[]): string {
  if (others.length === 0) return '';
  const rows = others.map(({ name, matches, because }) => [name, matches.join(', '), because]);
  return formatTable(['OTHER ROUTES', 'MATCH', 'NOT TAKEN, BECAUSE'], rows).trimEnd();
}

function describePolicy({ type, ...settings }: BalancingPolicy): string {
  const told = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return told.length === 0 ? type : `${type} (${told.join(', ')})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
