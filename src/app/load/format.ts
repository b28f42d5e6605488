// A load report as text for people.
// Knows nothing of how the numbers came about.
import { formatTable } from '../cli/table.ts';
import type { LoadReport } from './report.ts';
import type { Progress } from './run.ts';

/** Several lines, ending with one. `peak`: the highest rate asked for, where the rate varies. */
export function formatReport(report: LoadReport, peak?: number): string {
  const { latencyMs: latency } = report;
  const failed = report.requests - report.ok;
  const lines = [
    `${report.requests} requests in ${report.durationSeconds} s (${report.achievedRate}/s of ${report.rate}/s asked for${peak === undefined ? '' : `, at most ${peak}/s`}), ${report.ok} ok, ${failed} failed`,
    `Latency from intended start, ms: p50 ${latency.p50}  p90 ${latency.p90}  p95 ${latency.p95}  p99 ${latency.p99}  p99.9 ${latency.p999}  max ${latency.max}`,
  ];
  if (failed > 0) {
    const kinds = Object.entries(report.errors).sort(([, a], [, b]) => b - a);
    lines.push(`Failures: ${kinds.map(([kind, count]) => `${count} × ${kind}`).join(', ')}`);
    if (kinds.some(([kind]) => /CERT|VERIFY|ALTNAME/.test(kind))) {
      lines.push(
        'The certificate is not trusted: name its authority with --ca and its host with --host, or use --insecure',
      );
    }
    for (const { atSeconds, kind, pod } of report.failures) {
      lines.push(`  at ${atSeconds.toFixed(3)} s  ${report.method}  ${kind}${pod === '' ? '' : `  ${pod}`}`);
    }
  }
  const pods = Object.entries(report.perPod);
  if (pods.length > 0) {
    const known = pods.reduce((sum, [, count]) => sum + count, 0);
    const rows = pods.map(([pod, count]) => {
      const own = report.perPodLatencyMs[pod];
      return [pod, `${count}`, `${((count / known) * 100).toFixed(1)}%`, ...[own?.p50, own?.p95, own?.p99].map(String)];
    });
    lines.push('', formatTable(['POD', 'REQUESTS', 'SHARE', 'P50 MS', 'P95 MS', 'P99 MS'], rows).trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

/** One line, for a terminal. */
export function formatProgress(progress: Progress, previousFinished: number): string {
  const rate = progress.finished - previousFinished;
  return `${(progress.elapsedMs / 1000).toFixed(0)} s  ${rate}/s  ${progress.finished} done  ${progress.failed} failed  ${progress.inFlight} in flight  p50 ${progress.p50} ms  p99 ${progress.p99} ms`;
}
