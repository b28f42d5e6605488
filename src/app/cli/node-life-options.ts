// The options that say when a node counts as lost, under upstream's names; `up` and `apiserver` share them.
// Knows no command.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageFailure } from '../failure.ts';
import type { NodeLife } from '../main/node-life.ts';
import { parseDuration } from './values.ts';

/** Leases hold for whole seconds, and for one at least. */
const LEAST_GRACE_MS = 1_000;

export interface NodeLifeFlags {
  readonly nodeMonitorPeriod: number;
  readonly nodeMonitorGracePeriod: number;
  readonly defaultNotReadyTolerationSeconds: number;
  readonly defaultUnreachableTolerationSeconds: number;
}

export function addNodeLifeOptions(command: Command, defaults: NodeLife): Command {
  const { monitorPeriodMs, monitorGraceMs, tolerationSeconds } = defaults;
  const duration = (flag: string, text: string, ms: number): Option =>
    new Option(`${flag} <duration>`, text).argParser(parseDuration).default(ms, `${ms / 1000}s`);
  const seconds = (flag: string, text: string, value: number): Option =>
    new Option(`${flag} <n>`, text).argParser(parseSeconds).default(value);
  return command
    .addOption(duration('--node-monitor-period', 'time between two looks at the nodes', monitorPeriodMs))
    .addOption(
      duration(
        '--node-monitor-grace-period',
        'a node that is silent for so long is not ready: its pods get no more traffic',
        monitorGraceMs,
      ),
    )
    .addOption(
      seconds(
        '--default-not-ready-toleration-seconds',
        'how long pods stay on a node that is not ready, unless they say it themselves',
        tolerationSeconds.notReady,
      ),
    )
    .addOption(
      seconds(
        '--default-unreachable-toleration-seconds',
        'how long pods stay on a node that is silent, unless they say it themselves',
        tolerationSeconds.unreachable,
      ),
    );
}

/** Throws a `UsageFailure` for times under which living nodes would count as lost. */
export function nodeLifeOf(flags: NodeLifeFlags, defaults: NodeLife): NodeLife {
  const { nodeMonitorPeriod: period, nodeMonitorGracePeriod: grace } = flags;
  if (grace < period || grace < LEAST_GRACE_MS) {
    const least = Math.max(period, LEAST_GRACE_MS);
    throw new UsageFailure(
      grace < period
        ? `--node-monitor-grace-period ${seconds(grace)} is shorter than --node-monitor-period ${seconds(period)}: nodes are looked at less often than that`
        : `--node-monitor-grace-period ${seconds(grace)} is too short: nodes that live may say so less often than that`,
      `Give --node-monitor-grace-period ${seconds(least)} or more${grace < period ? ', or a shorter --node-monitor-period' : ''}`,
    );
  }
  return {
    ...defaults,
    monitorPeriodMs: flags.nodeMonitorPeriod,
    monitorGraceMs: flags.nodeMonitorGracePeriod,
    tolerationSeconds: {
      notReady: flags.defaultNotReadyTolerationSeconds,
      unreachable: flags.defaultUnreachableTolerationSeconds,
    },
  };
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 2 ** 31 - 1)
    throw new InvalidArgumentError('It is no whole number of seconds: write e.g. 300.');
  return value;
}
