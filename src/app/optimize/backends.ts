// What a Service's traffic says of how it is balanced, and of how long a request may take; each with its evidence.
// Pure; the figures are rules of thumb, each with its reason beside it.
import type { BackendFacts, WorkloadFacts } from './facts.ts';

export interface SettingAdvice {
  readonly field: string;
  readonly from: string;
  readonly to: string;
  readonly evidence: string;
  readonly change: {
    readonly what: 'setting';
    readonly service: string;
    readonly annotation: string;
    readonly value: string;
  };
}

const POLICY = 'evenkeel.dev/balancing-policy';
const TIMEOUT = 'evenkeel.dev/request-timeout';
/** Fewer looks, and fewer requests of a pod, than this say too little. */
const LEAST_LOOKS = 5;
const LEAST_REQUESTS = 50;
/** Of policies that do not see how fast endpoints answer. */
const BLIND = new Set(['round_robin', 'weighted_round_robin', 'random']);
/** A pod that takes so many times what the others take is slow, and not by chance. */
const SLOW = 2;
/** Of policies that give all requests of a client, or of a key, to one endpoint. */
const HASHING = new Set(['ip_hash', 'ring_hash', 'maglev']);
/** A pod that gets so many times its share has more clients, or busier ones, than the others. */
const SKEWED = 2;
/** Milliseconds; below it twice as slow is nothing that anybody feels. */
const LEAST_SLOW_MS = 5;
/** A time-out is this many times what 99 of 100 requests stay below, at the worst look, and never below a second. */
const ROOM = 3;
const LEAST_TIMEOUT_MS = 1_000;
/** Longer than that no user waits: there a limit protects nobody. */
const MOST_TIMEOUT_MS = 60_000;

export function forBackends({ backends = [], replicas }: WorkloadFacts): readonly SettingAdvice[] {
  // Where pods came or went, one that was there all the time has had more than the others by right.
  const isSteady = new Set(replicas).size === 1;
  return backends.flatMap((backend) => [
    ...forPolicy(backend),
    ...(isSteady ? forShares(backend, replicas[0] ?? 0) : []),
    ...forTimeout(backend),
  ]);
}

function forShares({ service, policy, pods }: BackendFacts, replicas: number): readonly SettingAdvice[] {
  if (policy === undefined || !HASHING.has(policy) || replicas < 2) return [];
  const total = pods.reduce((sum, { requests }) => sum + requests, 0);
  const [busiest] = pods.toSorted((a, b) => b.requests - a.requests);
  if (busiest === undefined || total < LEAST_REQUESTS * replicas || busiest.requests * replicas < SKEWED * total)
    return [];
  const part = (of: number): string => `${Math.round(of * 100)} %`;
  const evidence = `${busiest.name} gets ${part(busiest.requests / total)} of ${total} requests, and ${part(1 / replicas)} would be its share of ${replicas} pods: ${policy} keeps clients where they are; stay with it if pods remember their clients`;
  return [setting(service, POLICY, policy, 'least_request', evidence)];
}

function forPolicy({ service, policy, pods }: BackendFacts): readonly SettingAdvice[] {
  if (policy === undefined || !BLIND.has(policy)) return [];
  const counted = pods.filter(({ requests }) => requests >= LEAST_REQUESTS).toSorted((a, b) => a.meanMs - b.meanMs);
  const slowest = counted.at(-1);
  const usual = counted[Math.floor((counted.length - 1) / 2)];
  if (slowest === undefined || usual === undefined || counted.length < 2) return [];
  if (slowest.meanMs < LEAST_SLOW_MS || slowest.meanMs < SLOW * usual.meanMs) return [];
  const total = pods.reduce((sum, { requests }) => sum + requests, 0);
  const share = Math.round((slowest.requests / total) * 100);
  const evidence = `${slowest.name} takes ${ms(slowest.meanMs)} a request and half of its pods at most ${ms(usual.meanMs)}, and it gets ${share} % of ${total} requests nonetheless: ${policy} does not look at latencies`;
  return [setting(service, POLICY, policy, 'peak_ewma', evidence)];
}

function forTimeout({ service, requestTimeout, p99, requests }: BackendFacts): readonly SettingAdvice[] {
  if (p99.length < LEAST_LOOKS || requests < LEAST_REQUESTS) return [];
  const worst = Math.max(...p99) * 1000;
  const right = Math.max(LEAST_TIMEOUT_MS, Math.ceil((worst * ROOM) / 1000) * 1000);
  const seen = `99 % of ${requests} requests took at most ${ms(worst)} at the worst of ${p99.length} looks`;
  if (requestTimeout === undefined) {
    if (right > MOST_TIMEOUT_MS) return [];
    return [setting(service, TIMEOUT, '', `${right / 1000}s`, `${seen}, and nothing ends one that hangs`)];
  }
  if (requestTimeout.ms >= worst * 1.2) return [];
  return [setting(service, TIMEOUT, requestTimeout.text, `${right / 1000}s`, `${seen}: it cuts off what would come`)];
}

function setting(service: string, annotation: string, from: string, to: string, evidence: string): SettingAdvice {
  const change = { what: 'setting', service, annotation, value: to } as const;
  return { field: `Service ${service}: ${annotation}`, from, to, evidence, change };
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}
