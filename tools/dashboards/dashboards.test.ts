// The dashboards are what Grafana can read: the generated files are up to date, and every query is one.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { hasTool } from '#test/support/tools.ts';
import { expressions, metricsIn } from './expressions.ts';
import { dashboardFiles } from './generate.ts';

interface GridPlace {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: GridPlace;
  readonly datasource?: unknown;
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

const files = dashboardFiles();
const all = files.map(({ path, text }) => [path.split('/').at(-1) ?? '', JSON.parse(text) as DashboardJson] as const);

test('the files are what the generator makes (run: node tools/dashboards/generate.ts)', () => {
  for (const { path, text } of files) expect(readFileSync(path, 'utf8'), path).toBe(text);
});

test('each has a uid and a title of its own', () => {
  expect(new Set(all.map(([, { uid }]) => uid)).size).toBe(all.length);
  expect(new Set(all.map(([, { title }]) => title)).size).toBe(all.length);
  // Grafana's limit.
  for (const [, { uid }] of all) expect(uid.length).toBeLessThanOrEqual(40);
});

describe.each(all)('%s', (_, { panels, templating, schemaVersion }) => {
  it('has panels with ids of their own, within the grid, none over another', () => {
    expect(schemaVersion).toBe(39);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), `${title} lies over another panel`).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  it('asks the data source that is chosen at the top, and says what is shown', () => {
    const names = templating.list.map(({ name }) => name);
    expect(names[0]).toBe('datasource');
    for (const { type, title, targets = [], datasource, description = '' } of panels) {
      if (type === 'row') continue;
      expect(['timeseries', 'stat'], title).toContain(type);
      expect(description, title).not.toBe('');
      expect(datasource, title).toEqual({ type: 'prometheus', uid: '$' + '{datasource}' });
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr } of targets) {
        for (const [, used = ''] of expr.matchAll(/\$(?!__rate_interval)(\w+)/g)) expect(names, title).toContain(used);
      }
    }
  });
});

test('names of metrics are found in expressions', () => {
  const expr = 'histogram_quantile(0.9, sum by (le) (rate(evenkeel_a_seconds_bucket{pod_x="node_y"}[1m]))) / process_b';
  expect(metricsIn(expr)).toEqual(['evenkeel_a_seconds', 'process_b']);
});

test.runIf(hasTool('promtool', 'that it can read every query'))('promtool reads every query', () => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-queries-'));
  try {
    const rules = expressions().map(({ expr }, at) => ({ record: `panel:query:${at}`, expr }));
    const file = join(directory, 'queries.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain(`${rules.length} rules found`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
