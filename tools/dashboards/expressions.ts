// What a dashboard's queries come to once Grafana has filled in its variables, for whoever checks them.
// Knows the variables that panel.ts and Grafana have.
import { dashboards } from './dashboards.ts';

/** Every expression of every dashboard, as Prometheus would get it. */
export function expressions(): { readonly dashboard: string; readonly panel: string; readonly expr: string }[] {
  return Object.entries(dashboards).flatMap(([dashboard, { rows, variables }]) =>
    rows
      .flatMap(({ panels }) => panels)
      .flatMap(({ title, queries }) =>
        queries.map(({ expr }) => ({
          dashboard,
          panel: title,
          expr: variables
            .reduce((text, { name }) => text.replaceAll(`$${name}`, '.*'), expr)
            .replaceAll('$__rate_interval', '1m'),
        })),
      ),
  );
}

/** Names of metrics in an expression, as `# TYPE` names them: without what a histogram's series end in. */
export function metricsIn(expr: string): string[] {
  const names = expr.replace(/\{[^}]*\}/g, '').match(/\b(evenkeel|process|node|pod|container)_\w+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(bucket|count|sum)$/, '')))];
}
