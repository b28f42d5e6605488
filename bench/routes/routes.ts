// The benchmark of routes: thousands of HTTPRoutes on one Gateway, in a cluster of `evenkeel up`.
// Knows its parts and how they are printed; what each measures stands in its file.

import type { Benchmark } from '../lib/benchmark.ts';
import { type Options, UsageError } from '../lib/options.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { median, percentile } from '../lib/statistics.ts';
import { type Attached, measureAttach } from './attach.ts';
import { type Edits, measureEdits } from './edits.ts';
import { type Growth, measureMemory } from './memory.ts';
import { measurePropagation, type Samples } from './propagation.ts';
import { bringRoutes, inSetting } from './setting.ts';

const PARTS = ['propagation', 'edits', 'attach', 'memory'] as const;
type Part = (typeof PARTS)[number];

interface Results {
  /** With the standing routes, and beside it with as good as none. */
  propagation?: { readonly many: Samples; readonly few: Samples };
  edits?: Edits;
  attach?: readonly Attached[];
  memory?: Growth;
}

export const routes: Benchmark = {
  usage: {
    name: 'routes',
    about: `HTTPRoutes by the thousand on one Gateway of evenkeel up; parts, which --only names: ${PARTS.join(', ')}.
Aims: a route or ready pod is served after 10 ms (median) and 30 ms (p99); no request of 10,000 edits fails;
1,000 routes are there, and gone, within 2 s; 5,000 take 40 MB of the data plane and 150 MB of the control plane.`,
    seconds: 20,
    rounds: 3,
    own: {
      routes: { default: 3000, help: 'that stand by during propagation and edits' },
      namespaces: { default: 50, help: 'that routes are spread over' },
      rate: { default: 200, help: 'requests a second on another route during propagation, and on the edited one' },
      edits: { default: 10_000, help: 'edits of a route in use' },
      attach: { default: 1000, help: 'routes to set up and tear down at once, so many times as there are rounds' },
      memory: { default: 5000, help: 'routes whose memory is looked at' },
      workers: { default: 1, help: 'threads of the gateway' },
    },
  },
  run: async (options, args) => {
    const parts = partsOf(options.only);
    const say = speaker(options.json);
    const results: Results = {};
    /** As soon as it is known: the whole takes minutes. */
    const found = (part: Results): void => {
      Object.assign(results, part);
      if (!options.json) print(part, options);
    };
    const setting = { namespaces: options.number('namespaces'), workers: options.number('workers') };
    if (parts.some((part) => part !== 'memory')) {
      await inSetting(setting, async (cluster) => {
        const plan = { seconds: options.seconds, rate: options.number('rate') };
        if (parts.includes('attach')) {
          say(`Attaching ${options.number('attach')} routes`);
          const rounds: Attached[] = [];
          for (let round = 0; round < options.rounds; round++) {
            rounds.push(await measureAttach(cluster, options.number('attach')));
          }
          found({ attach: rounds });
        }
        if (!parts.includes('propagation') && !parts.includes('edits')) return;
        let few: Samples | undefined;
        if (parts.includes('propagation')) {
          say(`Propagation without other routes, ${plan.seconds} s`);
          few = await measurePropagation(cluster, plan);
        }
        const count = options.number('routes');
        say(`${count} routes are brought`);
        await bringRoutes(cluster, { from: 0, to: count, attached: count });
        if (few !== undefined) {
          say(`Propagation beside them, ${plan.seconds} s`);
          found({ propagation: { few, many: await measurePropagation(cluster, plan) } });
        }
        if (parts.includes('edits')) {
          say(`${options.number('edits')} edits`);
          found({ edits: await measureEdits(cluster, options.number('edits'), plan.rate) });
        }
      });
    }
    if (parts.includes('memory')) {
      say(`Memory of ${options.number('memory')} routes, in a cluster of their own`);
      const work = (cluster: Parameters<typeof measureMemory>[0]) => measureMemory(cluster, options.number('memory'));
      found({ memory: await inSetting({ ...setting, inspect: true }, work) });
    }
    if (options.json) printJson('routes', args, results);
  },
};

/** All when none is named. */
export function partsOf(names: readonly string[]): readonly Part[] {
  const unknown = names.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new UsageError(`Unknown part "${unknown}": choose from ${PARTS.join(', ')}`);
  return names.length === 0 ? PARTS : PARTS.filter((part) => names.includes(part));
}

function print({ propagation, edits, attach, memory }: Results, options: Options): void {
  if (propagation !== undefined) printPropagation(propagation, options.number('routes'));
  if (edits !== undefined) {
    printTable(
      'Edits of a route in use',
      [
        { title: 'edits', cell: (row) => String(row.edits) },
        { title: 'a second', cell: (row) => (row.edits / row.seconds).toFixed(0) },
        { title: 'requests', cell: ({ load }) => String(load.requests) },
        { title: 'not 200', cell: ({ load }) => String(load.requests - load.ok) },
        { title: 'p50 ms', cell: ({ load }) => load.latencyMs.p50.toFixed(1) },
        { title: 'p99 ms', cell: ({ load }) => load.latencyMs.p99.toFixed(1) },
        { title: 'last edit shown, ms', cell: (row) => row.lastShownMs.toFixed(1) },
        { title: 'failures', cell: ({ load }) => JSON.stringify(load.errors) },
      ],
      [edits],
    );
  }
  if (attach !== undefined) {
    printTable(
      `${options.number('attach')} routes at once, milliseconds`,
      [
        { title: '', cell: ({ what }) => what },
        { title: 'stored', cell: ({ phase }) => phase.storedMs.toFixed(0) },
        { title: 'counted', cell: ({ phase }) => phase.countedMs.toFixed(0) },
        { title: 'all answer right', cell: ({ phase }) => phase.servedMs.toFixed(0) },
        { title: 'CPU s', cell: ({ phase }) => phase.cpu.toFixed(2) },
        { title: 'counts told', cell: ({ phase }) => String(phase.counts) },
      ],
      attach.flatMap(({ up, down }) => [
        { what: 'set up', phase: up },
        { what: 'torn down', phase: down },
      ]),
    );
  }
  if (memory !== undefined) {
    printTable(
      `Memory of ${options.number('memory')} routes, MB`,
      [
        { title: 'data plane', cell: (row) => row.dataPlane.toFixed(1) },
        { title: 'workers', cell: (row) => String(row.workers) },
        { title: 'control plane', cell: (row) => row.controlPlane.toFixed(1) },
        { title: 'process', cell: (row) => row.process.toFixed(1) },
      ],
      [memory],
    );
  }
}

function printPropagation({ few, many }: NonNullable<Results['propagation']>, count: number): void {
  const rows = (['stored', 'route', 'pod'] as const).flatMap((what) => [
    { what, beside: 'none', ...figures(few[what]), load: few.load },
    { what, beside: String(count), ...figures(many[what]), load: many.load },
  ]);
  const names = { stored: 'route stored', route: 'route served', pod: 'ready pod served' };
  printTable(
    'Propagation, milliseconds',
    [
      { title: '', cell: ({ what }) => names[what] },
      { title: 'other routes', cell: ({ beside }) => beside },
      { title: 'samples', cell: ({ samples }) => String(samples) },
      { title: 'median', cell: (row) => row.median.toFixed(1) },
      { title: 'p99', cell: (row) => row.p99.toFixed(1) },
      {
        title: 'to none',
        cell: (row, at) => (at % 2 === 0 ? '' : (row.median / (rows[at - 1]?.median ?? 0)).toFixed(2)),
      },
      { title: 'load p99', cell: ({ load }) => load.latencyMs.p99.toFixed(1) },
      { title: 'load failed', cell: ({ load }) => String(load.requests - load.ok) },
    ],
    rows,
  );
}

/** Of a distribution of milliseconds. */
export function figures(values: readonly number[]): { samples: number; median: number; p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { samples: sorted.length, median: median(sorted), p99: percentile(sorted, 0.99) };
}
