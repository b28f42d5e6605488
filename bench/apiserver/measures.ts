// What is measured of the API server, each a function: events, writes, watchers, lists.
// Knows requests and clocks; starting and printing are others' matter.

import { cpuSeconds, memoryBytes } from '../lib/processes.ts';
import { median, percentile } from '../lib/statistics.ts';
import { concurrently, Session } from './client.ts';
import { CONFIG_MAPS, configMap, PODS, pod, podName, podStatus } from './objects.ts';
import type { Server } from './server.ts';

export interface Times {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

function timesOf(values: number[]): Times {
  const sorted = values.sort((a, b) => a - b);
  return { count: sorted.length, medianMs: median(sorted), p99Ms: percentile(sorted, 0.99) };
}

/** From the moment a create is sent until another client's watch has its event; one create at a time. */
export async function events({ config }: Server, count: number): Promise<{ event: Times; answer: Times }> {
  const writer = new Session(config);
  const reader = new Session(config);
  let arrived: ((at: number) => void) | undefined;
  await reader.watch(
    `${CONFIG_MAPS}?watch=1&resourceVersion=0&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`,
    () => arrived?.(performance.now()),
  );
  const waits: number[] = [];
  const answers: number[] = [];
  const warmUp = Math.ceil(count / 4);
  for (let index = 0; index < count + warmUp; index++) {
    const body = JSON.stringify(configMap(`event-${index}`));
    const event = new Promise<number>((resolve) => {
      arrived = resolve;
    });
    const begun = performance.now();
    await writer.must('POST', CONFIG_MAPS, body);
    const answered = performance.now();
    const seen = await event;
    if (index < warmUp) continue;
    waits.push(seen - begun);
    answers.push(answered - begun);
  }
  writer.close();
  reader.close();
  return { event: timesOf(waits), answer: timesOf(answers) };
}

/** The same bodies, one at a time, to a server that sends them back: what client and connection take of an event. */
export async function echoes({ config }: Server, count: number): Promise<Times> {
  const session = new Session(config);
  const times: number[] = [];
  const warmUp = Math.ceil(count / 4);
  for (let index = 0; index < count + warmUp; index++) {
    const body = JSON.stringify(configMap(`event-${index}`));
    const begun = performance.now();
    await session.must('POST', '/', body);
    if (index >= warmUp) times.push(performance.now() - begun);
  }
  session.close();
  return timesOf(times);
}

export interface Writes {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Of the server. */
  readonly cpuMicros: number;
}

/** Creates of small objects by so many clients at a time, each waiting for its answer; each answer means it is on disk. */
export async function writes({ config, pid }: Server, count: number, clients: number, prefix: string): Promise<Writes> {
  const sessions = Array.from({ length: Math.min(8, clients) }, () => new Session(config));
  const times: number[] = [];
  const one = async (index: number, name: string): Promise<void> => {
    const begun = performance.now();
    await sessions[index % sessions.length]?.must('POST', CONFIG_MAPS, JSON.stringify(configMap(name)));
    times.push(performance.now() - begun);
  };
  await concurrently(Math.ceil(count / 4), clients, (index) => one(index, `${prefix}-warm-${index}`));
  times.length = 0;
  const cpu = cpuSeconds(pid);
  const begun = performance.now();
  await concurrently(count, clients, (index) => one(index, `${prefix}-${index}`));
  const seconds = (performance.now() - begun) / 1000;
  const used = cpuSeconds(pid) - cpu;
  for (const session of sessions) session.close();
  return { perSecond: count / seconds, p99Ms: timesOf(times).p99Ms, cpuMicros: (used / count) * 1e6 };
}

/** Creates pods and reports them running, as controllers and kubelets do: two writes each. */
export async function fill({ config }: Server, count: number): Promise<number> {
  const sessions = Array.from({ length: 4 }, () => new Session(config));
  const begun = performance.now();
  await concurrently(count, 64, async (index) => {
    const session = sessions[index % sessions.length];
    await session?.must('POST', PODS, JSON.stringify(pod(index)));
    const status = JSON.stringify(podStatus(index));
    await session?.must('PATCH', `${PODS}/${podName(index)}/status`, status, undefined, 'application/merge-patch+json');
  });
  for (const session of sessions) session.close();
  return (performance.now() - begun) / 1000;
}

interface Form {
  readonly name: string;
  readonly accept: string;
  /** Objects a page; all at once when left out. */
  readonly limit?: number;
  readonly encoding?: 'gzip';
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const FORMS: readonly Form[] = [
  { name: 'JSON', accept: 'application/json' },
  { name: 'protocol buffers', accept: PROTOBUF },
  { name: 'Table', accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
  { name: 'metadata only', accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
  { name: 'JSON, gzip', accept: 'application/json', encoding: 'gzip' },
  { name: 'protocol buffers, gzip', accept: PROTOBUF, encoding: 'gzip' },
  { name: 'JSON, pages of 500', accept: 'application/json', limit: 500 },
  { name: 'protocol buffers, pages of 500', accept: PROTOBUF, limit: 500 },
];

export interface Listing {
  readonly form: string;
  /** As they were sent. */
  readonly bytes: number;
  /** The very first, for which the bytes of every object are made. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly cpuMs: number;
  /** As many bytes at once from a server that has nothing else to do, in turns with the list. */
  readonly bareMs: number;
  readonly bareCpuMs: number;
}

/** A list of everything, again and again with a write in between, so that nothing is a copy of the answer before. */
export async function lists({ config, pid }: Server, bare: Server, rounds: number): Promise<Listing[]> {
  const session = new Session(config);
  const other = new Session(bare.config);
  const found: Listing[] = [];
  for (const form of FORMS) {
    const list = (): Promise<number> => listOnce(session, form);
    const first = await timed(pid, list);
    const bytes = first.result;
    const same = async (): Promise<number> => (await other.must('GET', `/${bytes}`)).bytes;
    const own: Cost[] = [];
    const bares: Cost[] = [];
    for (let round = -3; round < rounds; round++) {
      const label = `{"metadata":{"labels":{"round":"r${round + 3}"}}}`;
      await session.must('PATCH', `${PODS}/${podName(0)}`, label, undefined, 'application/merge-patch+json');
      const [mine, its] = [await timed(pid, list), await timed(bare.pid, same)];
      if (round < 0) continue;
      own.push(mine);
      bares.push(its);
    }
    const times = own.map((cost) => cost.ms);
    found.push({
      form: form.name,
      bytes,
      firstMs: first.ms,
      medianMs: median(times),
      worstMs: Math.max(...times),
      cpuMs: meanOf(own.map((cost) => cost.cpuMs)),
      bareMs: median(bares.map((cost) => cost.ms)),
      bareCpuMs: meanOf(bares.map((cost) => cost.cpuMs)),
    });
  }
  session.close();
  other.close();
  return found;
}

/** Milliseconds until one pod is shown: a server that has just started reads them all for it. */
export async function firstAnswer({ config }: Server): Promise<number> {
  const session = new Session(config);
  const begun = performance.now();
  await session.must('GET', `${PODS}?limit=1`);
  session.close();
  return performance.now() - begun;
}

interface Cost {
  readonly ms: number;
  /** Of the server. */
  readonly cpuMs: number;
}

async function timed<T>(pid: number, work: () => Promise<T>): Promise<Cost & { result: T }> {
  const cpu = cpuSeconds(pid);
  const begun = performance.now();
  const result = await work();
  return { ms: performance.now() - begun, cpuMs: (cpuSeconds(pid) - cpu) * 1000, result };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function listOnce(session: Session, { accept, limit, encoding }: Form): Promise<number> {
  const get = (path: string) => session.must('GET', path, undefined, accept, undefined, encoding);
  if (limit === undefined) return (await get('/api/v1/pods')).bytes;
  let bytes = 0;
  let token = '';
  for (;;) {
    const query = `limit=${limit}${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`;
    const page = await get(`/api/v1/pods?${query}`);
    bytes += page.bytes;
    token = continueOf(page.text());
    if (token === '') return bytes;
  }
}

/** In JSON as in protocol buffers the token is a run of base64 behind what the list's metadata begin with. */
function continueOf(text: string): string {
  const head = text.slice(0, 400);
  const json = /"continue":"([^"]*)"/.exec(head)?.[1];
  return json ?? /eyJ[A-Za-z0-9_-]+={0,2}/.exec(head)?.[0] ?? '';
}

export interface Watchers {
  readonly watchers: number;
  readonly connections: number;
  readonly openMs: number;
  readonly bytesEach: number;
  /** From the write until the last watcher has the event. */
  readonly fanOut: Times;
  readonly cpuMicrosEach: number;
  readonly missed: number;
}

/** Many watches of one kind over a number of connections, and writes that all of them must hear of. */
export async function watchers(server: Server, count: number, connections: number, changes: number): Promise<Watchers> {
  const sessions = Array.from({ length: connections }, () => new Session(server.config));
  const writer = new Session(server.config);
  const before = memoryBytes(server.pid);
  const path = '/api/v1/secrets?watch=1&resourceVersion=0&sendInitialEvents=false&resourceVersionMatch=NotOlderThan';
  let seen = 0;
  let all: (() => void) | undefined;
  const begun = performance.now();
  await concurrently(count, 200, async (index) => {
    // Events are a line each; a frame may hold several, or a part of one.
    await sessions[index % connections]?.watch(path, (chunk) => {
      for (const byte of chunk) if (byte === 10) seen++;
      if (seen >= count) all?.();
    });
  });
  const openMs = performance.now() - begun;
  const bytesEach = (memoryBytes(server.pid) - before) / count;
  const times: number[] = [];
  let missed = 0;
  const cpu = cpuSeconds(server.pid);
  for (let change = 0; change < changes; change++) {
    seen = 0;
    const done = new Promise<void>((resolve) => {
      all = resolve;
    });
    const name = `fan-${count}-${connections}-${change}`;
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value: 'x'.repeat(500) } };
    const start = performance.now();
    await writer.must('POST', '/api/v1/namespaces/default/secrets', JSON.stringify(body));
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 30_000))]);
    times.push(performance.now() - start);
    missed += count - seen;
  }
  const cpuMicrosEach = ((cpuSeconds(server.pid) - cpu) / (changes * count)) * 1e6;
  for (const session of [...sessions, writer]) session.close();
  return { watchers: count, connections, openMs, bytesEach, fanOut: timesOf(times), cpuMicrosEach, missed };
}
