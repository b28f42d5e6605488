// The layer table: which room may import which. `node tools/layers.ts` writes it into biome.json.
// Knows only folder names; what a room is for stands in its README.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Layer {
  /** Folder below src/. */
  readonly room: string;
  /** Rooms it may import besides itself. */
  readonly may: readonly string[];
  /** No `node:*`, no I/O. */
  readonly pure?: true;
}

const EVERYTHING = [
  'lib',
  'kube/api',
  'kube/client',
  'kube/store',
  'kube/streaming',
  'kube/apiserver',
  'kube/kubelet',
  'traffic/model',
  'traffic/balancer',
  'traffic/snapshot',
  'traffic/proxy',
  'traffic/kernel',
  'traffic/dns',
  'traffic/announce',
  'traffic/identity',
  'control/autoscale',
  'control/controllers',
  'telemetry',
  'app',
] as const;

export const layers: readonly Layer[] = [
  { room: 'lib', may: [] },
  { room: 'kube/api', may: ['lib'] },
  { room: 'kube/client', may: ['kube/api', 'lib'] },
  { room: 'kube/store', may: ['lib'] },
  { room: 'kube/streaming', may: ['lib'] },
  { room: 'kube/apiserver', may: ['kube/api', 'kube/store', 'kube/streaming', 'telemetry', 'lib'] },
  { room: 'kube/kubelet', may: ['kube/client', 'kube/api', 'kube/streaming', 'telemetry', 'lib'] },
  { room: 'traffic/model', may: ['kube/api', 'lib'], pure: true },
  { room: 'traffic/balancer', may: ['lib'], pure: true },
  { room: 'traffic/snapshot', may: ['traffic/model', 'traffic/balancer', 'lib'], pure: true },
  {
    room: 'traffic/proxy',
    may: ['traffic/snapshot', 'traffic/model', 'traffic/balancer', 'telemetry', 'lib'],
  },
  { room: 'traffic/kernel', may: ['traffic/snapshot', 'traffic/model', 'telemetry', 'lib'] },
  { room: 'traffic/dns', may: ['traffic/model', 'telemetry', 'lib'] },
  { room: 'traffic/announce', may: ['traffic/model', 'telemetry', 'lib'] },
  { room: 'traffic/identity', may: ['lib'] },
  { room: 'control/autoscale', may: ['lib'], pure: true },
  { room: 'control/controllers', may: ['kube/client', 'kube/api', 'traffic/model', 'control/autoscale', 'lib'] },
  { room: 'telemetry', may: ['lib'] },
  { room: 'app', may: EVERYTHING },
];

/** Test files may reach into other rooms: they drive real parts together. */
const TEST_FILES = ['**/*.test.ts', '**/*.contract.ts', '**/testing.ts', '**/testing/**'];

function overrideOf(layer: Layer): unknown {
  const wings = ['kube', 'traffic', 'control', 'telemetry', 'app', 'lib'];
  // "*kube/**" stands for "#kube/**": the linter reads a leading "#" in a glob as a comment.
  const allowed = [layer.room, ...layer.may].flatMap((room) => [`!*${room}`, `!*${room}/**`]);
  const patterns: unknown[] = [
    {
      group: [...wings.map((wing) => `*${wing}/**`), ...allowed],
      message: `src/${layer.room} may import only: ${layer.may.join(', ') || 'nothing of ours'} (tools/layers.ts)`,
    },
  ];
  if (layer.pure === true) {
    patterns.push({ group: ['node:*', 'node:*/**'], message: `src/${layer.room} is pure: no I/O, no node: modules` });
  }
  return {
    includes: [`src/${layer.room}/**`, ...TEST_FILES.map((glob) => `!${glob}`)],
    linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
  };
}

/** The `overrides` of biome.json: the layers, then the files that must have a default export. */
export function biomeOverrides(): unknown[] {
  return [
    ...layers.map(overrideOf),
    {
      includes: ['*.config.ts', '**/*.config.ts'],
      linter: { rules: { style: { noDefaultExport: 'off' } } },
    },
  ];
}

const biomeFile = new URL('../biome.json', import.meta.url);

/** What biome.json should say. */
export function expectedBiomeConfig(): unknown {
  const config = JSON.parse(readFileSync(biomeFile, 'utf8')) as Record<string, unknown>;
  return { ...config, overrides: biomeOverrides() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(biomeFile, `${JSON.stringify(expectedBiomeConfig(), null, 2)}\n`);
}
