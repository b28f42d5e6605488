// The report of a load run as one page that needs nothing else: a verdict, plots on one time axis, events, tables.
// Knows what a run found; draws nothing itself: uPlot, which the page carries along, does.
import { readFileSync } from 'node:fs';
import type { ClusterHistory } from '../cluster-watch.ts';
import type { LoadReport } from '../report.ts';
import { plotsOf } from './plots.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { escaped, eventTable, failureTable, podTable, tiles, verdict } from './words.ts';

export interface RunReport {
  readonly load: LoadReport;
  /** The shape of the load, e.g. `spike`. */
  readonly profile: string;
  /** What the cluster did meanwhile; absent when none was asked. */
  readonly cluster?: ClusterHistory;
  /** Why it is absent, as a sentence. */
  readonly noCluster?: string;
}

/** An HTML document; it asks for nothing from anywhere. */
export function renderPage(report: RunReport): string {
  const cluster = report.cluster === undefined ? undefined : concerned(report.cluster, report.load);
  const { load, profile } = report;
  const plots = plotsOf(load, cluster);
  const sections = plots.map(
    ({ id, title, about }) =>
      `<section><h2>${escaped(title)} <small>${escaped(about)}</small></h2><div id="${id}"></div></section>`,
  );
  const missing = report.noCluster === undefined ? '' : `<p class="note">${escaped(report.noCluster)}</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(`${profile} load on ${load.url}`)}</title><link rel="icon" href="data:,">
<style>${asset('uPlot.min.css')}${STYLE}</style></head><body>
<h1>${escaped(load.method)} ${escaped(load.url)} <small>${escaped(profile)}, ${load.durationSeconds} s, from ${escaped(load.startedAt)}</small></h1>
${verdict(load)}
${tiles(load, cluster)}
${missing}
${sections.join('\n')}
${failureTable(load)}
${podTable(load)}
${cluster === undefined ? '' : eventTable(cluster.events)}
<script type="application/json" id="data">${scriptSafe(JSON.stringify(plots))}</script>
<script>${asset('uPlot.iife.min.js')}</script>
<script>${SCRIPT}</script>
</body></html>
`;
}

/** What the run touched: the namespaces of the pods that answered; all of them when nobody said who it was. */
function concerned(cluster: ClusterHistory, load: LoadReport): ClusterHistory {
  const namespaces = new Set(Object.keys(load.perPod).map((pod) => pod.split('/')[0] ?? ''));
  if (namespaces.size === 0) return cluster;
  const touches = ({ namespace }: { readonly namespace: string }): boolean => namespaces.has(namespace);
  return { workloads: cluster.workloads.filter(touches), events: cluster.events.filter(touches) };
}

/** A file of uPlot's, without what would end the element it stands in. */
function asset(name: string): string {
  return readFileSync(new URL(name, import.meta.resolve('uplot')), 'utf8').replaceAll('</', '<\\/');
}

function scriptSafe(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
