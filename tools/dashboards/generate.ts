// `node tools/dashboards/generate.ts`: writes the dashboards as JSON that Grafana imports.
// Knows where they lie.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dashboards } from './dashboards.ts';
import { toGrafana } from './panel.ts';

const DIRECTORY = new URL('../../deploy/monitoring/dashboards/', import.meta.url);

export function dashboardFiles(): { readonly path: string; readonly text: string }[] {
  return Object.entries(dashboards).map(([name, dashboard]) => ({
    path: fileURLToPath(new URL(`${name}.json`, DIRECTORY)),
    text: `${JSON.stringify(toGrafana(dashboard), null, 2)}\n`,
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of dashboardFiles()) writeFileSync(path, text);
}
