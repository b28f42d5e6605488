// The options of the HorizontalPodAutoscaler controller, under upstream's names; `up`, `apiserver` and `controllers` share them.
// Knows no command.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AutoscalingSettings, defaultAutoscaling } from '#control/controllers/settings.ts';
import { parseCount, parseDelay, parseDuration } from './values.ts';

/** Pods of one machine start in no time, and so people watch: an autoscaler is looked at every second. */
export const localAutoscaling: AutoscalingSettings = { ...defaultAutoscaling, syncPeriodMs: 1_000 };

export interface AutoscalingFlags {
  readonly horizontalPodAutoscalerSyncPeriod: number;
  readonly horizontalPodAutoscalerDownscaleStabilization: number;
  readonly horizontalPodAutoscalerTolerance: number;
  readonly horizontalPodAutoscalerCpuInitializationPeriod: number;
  readonly horizontalPodAutoscalerInitialReadinessDelay: number;
  readonly concurrentHorizontalPodAutoscalerSyncs: number;
}

const FLAG = '--horizontal-pod-autoscaler';

export function addAutoscalingOptions(command: Command, defaults: AutoscalingSettings): Command {
  const duration = (name: string, text: string, ms: number, parse = parseDuration): Option =>
    new Option(`${FLAG}-${name} <duration>`, text).argParser(parse).default(ms, `${ms / 1000}s`);
  return command
    .addOption(duration('sync-period', 'time between two looks at a HorizontalPodAutoscaler', defaults.syncPeriodMs))
    .addOption(
      duration(
        'downscale-stabilization',
        'an autoscaler takes pods only when it would have done so all this time, unless it names a window itself',
        defaults.downscaleStabilizationMs,
        parseDelay,
      ),
    )
    .addOption(
      new Option(
        `${FLAG}-tolerance <share>`,
        'deviation from the target that changes nothing, as a share of it, unless an autoscaler names its own',
      )
        .argParser(parseShare)
        .default(defaults.tolerance),
    )
    .addOption(
      duration(
        'cpu-initialization-period',
        'so long after its start the CPU of a pod counts only once it has been ready for a while',
        defaults.cpuInitializationMs,
        parseDelay,
      ),
    )
    .addOption(
      duration(
        'initial-readiness-delay',
        'a pod that stopped being ready within this time of its start has never been ready',
        defaults.initialReadinessDelayMs,
        parseDelay,
      ),
    )
    .addOption(
      new Option('--concurrent-horizontal-pod-autoscaler-syncs <n>', 'autoscalers looked at at the same time')
        .argParser(parseCount)
        .default(defaults.workers),
    );
}

export function autoscalingOf(flags: AutoscalingFlags): AutoscalingSettings {
  return {
    syncPeriodMs: flags.horizontalPodAutoscalerSyncPeriod,
    downscaleStabilizationMs: flags.horizontalPodAutoscalerDownscaleStabilization,
    tolerance: flags.horizontalPodAutoscalerTolerance,
    cpuInitializationMs: flags.horizontalPodAutoscalerCpuInitializationPeriod,
    initialReadinessDelayMs: flags.horizontalPodAutoscalerInitialReadinessDelay,
    workers: flags.concurrentHorizontalPodAutoscalerSyncs,
  };
}

function parseShare(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1)) {
    throw new InvalidArgumentError('It is no share from 0 to below 1: write e.g. 0.1.');
  }
  return value;
}
