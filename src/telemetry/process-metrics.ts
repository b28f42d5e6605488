// Metrics of this process, under the names that every exporter uses.
// Knows nothing of traffic.
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFormat } from './format.ts';
import { MetricRecorder } from './recorder.ts';
import type { MetricDefinition } from './series.ts';

const metric = (name: string, type: 'counter' | 'gauge', help: string): MetricDefinition => ({
  name,
  type,
  help,
  labels: [],
  maxSeries: 1,
});

const definitions = {
  cpu: metric(
    'process_cpu_seconds_total',
    'counter',
    'CPU time of all threads, user and system; its rate is cores used.',
  ),
  resident: metric('process_resident_memory_bytes', 'gauge', 'Memory in RAM, shared pages included.'),
  heap: metric('process_heap_bytes', 'gauge', 'JavaScript heap of the main thread in use.'),
  start: metric('process_start_time_seconds', 'gauge', 'Start of the process since the epoch; a jump is a restart.'),
  open: metric('process_open_fds', 'gauge', 'File descriptors in use: sockets, pipes and files.'),
  most: metric(
    'process_max_fds',
    'gauge',
    'File descriptors that the process may use; at this many nothing is accepted.',
  ),
  lag: metric(
    'evenkeel_event_loop_lag_seconds',
    'gauge',
    'Longest pause of the main thread since the last scrape; beyond a second its answers come late.',
  ),
} as const satisfies Record<string, MetricDefinition>;

const NANOSECONDS = 1e9;
const RESOLUTION_MS = 20;

let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;

/** Ends with a line break. */
export function processMetrics(format?: MetricFormat): string {
  const recorder = new MetricRecorder(definitions, 1024);
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const set = (name: keyof typeof definitions, value: number | undefined): void => {
    if (value !== undefined) recorder.set(definitions[name], [], value);
  };
  set('cpu', (user + system) / 1e6);
  set('resident', rss);
  set('heap', heapUsed);
  set('start', Date.now() / 1000 - process.uptime());
  set('open', openFiles());
  set('most', mostFiles());
  set('lag', longestPause());
  return recorder.text(format);
}

/** Measured from the first scrape on: whoever is not scraped pays nothing. */
function longestPause(): number {
  if (delay === undefined) {
    delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    return 0;
  }
  const longest = Math.max(0, delay.max / NANOSECONDS - RESOLUTION_MS / 1000);
  delay.reset();
  return longest;
}

/** Where /proc is not there, there is no figure. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

function mostFiles(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
