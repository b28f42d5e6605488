// Metrics of this process in Prometheus' text format, under the names every process exporter uses.
// Knows nothing of traffic; the engine brings its own.

/** Ends with a line break. */
export function processMetrics(): string {
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const start = Date.now() / 1000 - process.uptime();
  return [
    metric('process_cpu_seconds_total', 'counter', 'CPU time spent, seconds', (user + system) / 1e6),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory, bytes', rss),
    metric('process_start_time_seconds', 'gauge', 'Start of the process, seconds since the epoch', start),
  ].join('');
}

function metric(name: string, type: 'counter' | 'gauge', help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
}
