// Entry of the benchmarks: `npm run bench -- <name> [options]`.
// Knows the names of the benchmarks, nothing of what they measure.

import { apiserver } from './apiserver/apiserver.ts';
import { balancing } from './balancing/balancing.ts';
import { bodies } from './bodies/bodies.ts';
import { churn } from './churn/churn.ts';
import { connections } from './connections/connections.ts';
import { dns } from './dns/dns.ts';
import { ebpf } from './ebpf/ebpf.ts';
import { failover } from './failover/failover.ts';
import { grpc } from './grpc/grpc.ts';
import { http1 } from './http1/http1.ts';
import { http2 } from './http2/http2.ts';
import { idle } from './idle/idle.ts';
import type { Benchmark } from './lib/benchmark.ts';
import { helpText, parseOptions, UsageError } from './lib/options.ts';
import { pods } from './pods/pods.ts';
import { routes } from './routes/routes.ts';
import { scale } from './scale/scale.ts';
import { services } from './services/services.ts';
import { soak } from './soak/soak.ts';
import { spike } from './spike/spike.ts';
import { telemetry } from './telemetry/telemetry.ts';
import { tls } from './tls/tls.ts';
import { workers } from './workers/workers.ts';
import { zero } from './zero/zero.ts';

const benchmarks = new Map<string, Benchmark>(
  [
    http1,
    connections,
    bodies,
    tls,
    http2,
    grpc,
    scale,
    idle,
    churn,
    workers,
    soak,
    balancing,
    pods,
    ebpf,
    services,
    failover,
    dns,
    apiserver,
    telemetry,
    spike,
    zero,
    routes,
  ].map((one) => [one.usage.name, one]),
);

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const benchmark = benchmarks.get(name);
  if (benchmark === undefined) {
    const list = [...benchmarks.values()].map(({ usage }) => `  ${usage.name.padEnd(12)}${usage.about.split('\n')[0]}`);
    const help = `npm run bench -- NAME [--help]\n\n${list.join('\n')}`;
    if (name === '--help' || name === '-h') {
      console.log(help);
      return 0;
    }
    console.error(`${name === '' ? 'No benchmark is named' : `Unknown benchmark "${name}"`}: choose one\n\n${help}`);
    return 2;
  }
  const options = parseOptions(benchmark.usage, args);
  if (options.help) console.log(helpText(benchmark.usage));
  else await benchmark.run(options, args);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
