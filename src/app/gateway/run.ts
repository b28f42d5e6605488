// Runs the engine from a configuration file: starts, watches, reloads, drains and leaves.
// Knows no command line; signals and output are handed in.
import { dirname, resolve } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import type { Engine } from '#traffic/proxy/engine.ts';
import { startEngine } from '#traffic/proxy/engine.ts';
import type { Question } from '#traffic/proxy/explain/explanation.ts';
import { DrainSwitch } from '../admin/drain-switch.ts';
import { startAdmin } from '../admin/server.ts';
import { Failure } from '../failure.ts';
import { listenFailure } from '../main/ports.ts';
import { formatProblem } from '../manifests/format.ts';
import type { GatewayConfig } from './config.ts';
import { ConfigFile } from './config-file.ts';
import { listenProblem } from './free-ports.ts';
import { LiveConfig } from './live-config.ts';
import { reloadMetrics } from './reload-metrics.ts';
import { Reloading } from './reloading.ts';
import { serving } from './tell.ts';
import { watchFiles } from './watch-files.ts';

export interface GatewayOptions extends Reporting {
  readonly config: string;
  readonly workers: number;
  readonly adminPort: number;
  readonly watch: boolean;
  /** Milliseconds. */
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly trustedProxies: readonly string[];
  /** Tells backends of clients by `Forwarded` too. */
  readonly forwarded: boolean;
  /** Where this gateway stands, for clusters that prefer what is near; empty for nowhere. */
  readonly node: string;
  readonly zone: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the gateway should leave. */
  readonly stop: AbortSignal;
  /** Calls back whenever somebody asks for a reload. */
  readonly onReloadAsked: (reload: () => void) => void;
  /** A line for people, and one about something wrong. */
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Resolves when it has left; the exit code. Throws a `Failure` when it cannot start. */
export async function runGateway(options: GatewayOptions): Promise<number> {
  const { warn } = options;
  const file = new ConfigFile(options.config);
  const first = file.read();
  if ('problems' in first.outcome) {
    for (const problem of first.outcome.problems) warn(formatProblem(problem));
    return 2;
  }
  const reporting = reportingOf(options, first.outcome.config);
  const engine = await startEngine({
    workers: options.workers,
    node: options.node,
    zone: options.zone,
    log: options.log,
    trustedProxies: options.trustedProxies,
    forwarded: options.forwarded,
    limits: first.outcome.config.limits,
    ...reporting,
  });
  try {
    const live = new LiveConfig(file, engine);
    const begun = await live.load(first);
    if (begun.type === 'refused') {
      for (const problem of begun.problems) warn(formatProblem(problem));
      return 1;
    }
    await engine.ready();
    watchListeners(engine, live, warn);
    // Standard output is the log's alone when it goes there.
    const say = reporting.accessLog?.file === '-' ? warn : options.say;
    return await serve(options, engine, live, say, warn);
  } finally {
    await engine.close();
  }
}

/** What was said on the command line comes before the file; a log file is named from the file's place. */
function reportingOf(options: GatewayOptions, config: GatewayConfig): Reporting {
  const { file } = config.accessLog ?? {};
  const own = config.accessLog && {
    ...config.accessLog,
    file: file === undefined || file === '-' ? '-' : resolve(dirname(options.config), file),
  };
  const accessLog = options.accessLog ?? own;
  const traces = options.traces ?? config.traces;
  return { ...(accessLog && { accessLog }), ...(traces && { traces }) };
}

async function serve(
  options: GatewayOptions,
  engine: Engine,
  live: LiveConfig,
  say: (line: string) => void,
  warn: (line: string) => void,
): Promise<number> {
  const address = '127.0.0.1';
  const drained = new DrainSwitch(engine, options.drainTimeout, options.log);
  const admin = await startAdmin({
    address,
    port: options.adminPort,
    engine: {
      ...reports(engine),
      metricsText: async (format) => `${await engine.metricsText(format)}${reloadMetrics(live, format)}`,
    },
    ready: () => !options.stop.aborted && !drained.on,
    drain: () => drained.begin(),
    log: options.log,
  }).catch((error: unknown) => {
    throw listenFailure(error, options.adminPort, address, '--admin-port');
  });
  const reloading = new Reloading(options.config, live, engine, say, warn);
  const watch = options.watch ? watchFiles(live.files, options.clock, () => reloading.ask(false)) : undefined;
  reloading.onRead = (files) => watch?.update(files);
  options.onReloadAsked(() => {
    // Whoever turns log files over sends the same signal.
    engine.reopenLog();
    reloading.ask(true);
  });
  try {
    for (const line of serving(options.config, live, engine, admin.url, options.watch)) say(line);
    await aborted(options.stop);
    watch?.close();
    await drain(options, engine, say);
  } finally {
    watch?.close();
    await reloading.done();
    await admin.close();
  }
  return 0;
}

/** `/readyz` says no from the moment of the signal; whoever sends traffic here may need a while to see it. */
async function drain(options: GatewayOptions, engine: Engine, say: (line: string) => void): Promise<void> {
  const { drainDelay, drainTimeout, clock } = options;
  if (drainDelay > 0) {
    say(`Not ready any more; draining in ${drainDelay / 1000} s`);
    // The clock's timers hold no process: the admin server does.
    await new Promise<void>((resolve) => clock.after(drainDelay, resolve));
  }
  say('Draining: what is under way finishes, nothing new is taken');
  await engine.drain(drainTimeout);
  say('Done');
}

/** A port that was free a moment ago, or an address that went away. */
function watchListeners(engine: Engine, live: LiveConfig, warn: (line: string) => void): void {
  let starting = true;
  const failed: string[] = [];
  engine.onListenError((name, error) => {
    const listener = live.config?.model.listeners.get(name);
    const text =
      listener === undefined || live.config === undefined
        ? `Cannot listen for "${name}": ${error.message}`
        : formatProblem(listenProblem(listener, error, live.config.locate));
    if (starting) failed.push(text);
    else warn(text);
  });
  starting = false;
  if (failed.length > 0) throw new Failure(failed.join('\n'), 'Correct the file and start again');
}

function reports(engine: Engine) {
  return {
    clusters: () => engine.clusters(),
    configDump: () => engine.configDump(),
    explain: (question: Question) => engine.explain(question),
    drainEndpoint: (cluster: string, key: string, drained: boolean) => engine.drainEndpoint(cluster, key, drained),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
