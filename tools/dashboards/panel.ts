// What a dashboard of Grafana is made of, as far as ours need it: rows of panels that are laid out by themselves.
// Knows Grafana's JSON (schema version 39) and no metric.

export type Unit = 's' | 'reqps' | 'ops' | 'percentunit' | 'bytes' | 'short' | 'cores';

/** One line of a panel: an expression, and what its legend says (`{{label}}` stands for the label's value). */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What a reader should make of it. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** `stat` shows the last value alone; left out: lines over time. */
  readonly type?: 'timeseries' | 'stat';
  /** Lines on top of each other: for shares of a whole. */
  readonly stacked?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A choice at the top, of the values that a label has. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** A query of Prometheus' data source: `label_values(metric, label)`. */
  readonly query: string;
}

export interface Dashboard {
  /** Stable: links and a second import go by it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** Grafana's grid. */
const COLUMNS = 24;
const HEIGHT = { timeseries: 8, stat: 4 } as const;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts the choice of the page in there.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** Grafana has no unit of that name; a number will do. */
const UNITS: Partial<Record<Unit, string>> = { cores: 'short' };

/** The JSON that Grafana imports. */
export function toGrafana(dashboard: Dashboard): unknown {
  const panels: unknown[] = [];
  let y = 0;
  for (const row of dashboard.rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    const width = Math.floor(COLUMNS / row.panels.length);
    const height = Math.max(...row.panels.map(({ type = 'timeseries' }) => HEIGHT[type]));
    for (const [at, panel] of row.panels.entries()) {
      panels.push({ id: panels.length + 1, gridPos: { x: at * width, y, w: width, h: height }, ...panelJson(panel) });
    }
    y += height;
  }
  return {
    uid: dashboard.uid,
    title: dashboard.title,
    description: dashboard.description,
    tags: ['evenkeel'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    timezone: 'browser',
    templating: { list: [datasourceVariable(), ...dashboard.variables.map(variableJson)] },
    annotations: { list: [] },
    links: [
      {
        type: 'dashboards',
        title: 'Evenkeel',
        icon: 'external link',
        tooltip: '',
        tags: ['evenkeel'],
        asDropdown: true,
        targetBlank: false,
        includeVars: false,
        keepTime: true,
      },
    ],
    panels,
  };
}

function panelJson({ title, description, unit, queries, type = 'timeseries', stacked = false }: Panel): object {
  const custom =
    type === 'stat'
      ? {}
      : { lineWidth: 1, fillOpacity: stacked ? 30 : 5, stacking: { mode: stacked ? 'normal' : 'none' } };
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit: UNITS[unit] ?? unit, min: 0, custom }, overrides: [] },
    options:
      type === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value' }
        : {
            legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      exemplar: expr.includes('_bucket'),
    })),
  };
}

function datasourceVariable(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 };
}

function variableJson({ name, label, query }: Variable): object {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  };
}
