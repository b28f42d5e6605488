// The options of leader election, under upstream's names; `scheduler` and `controllers` share them.
// Knows no command.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultLeaseTimes, type LeaseTimes, wrongTimes } from '#kube/client/leader-election.ts';
import { UsageFailure } from '../failure.ts';
import { parseDuration } from './values.ts';

export interface LeaderFlags {
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceName: string;
  readonly leaderElectResourceNamespace: string;
}

export function addLeaderOptions(command: Command, leaseName: string): Command {
  const { leaseMs, renewDeadlineMs, retryMs } = defaultLeaseTimes;
  const duration = (flag: string, text: string, ms: number): Option =>
    new Option(`${flag} <duration>`, text).argParser(parseDuration).default(ms, `${ms / 1000}s`);
  return command
    .addOption(
      new Option('--leader-elect [boolean]', 'work only while holding the lease, so that several copies may run')
        .argParser(parseBoolean)
        .default(true),
    )
    .addOption(duration('--leader-elect-lease-duration', 'how long others wait after the last renewal', leaseMs))
    .addOption(
      duration('--leader-elect-renew-deadline', 'a leader that cannot renew for so long ends', renewDeadlineMs),
    )
    .addOption(duration('--leader-elect-retry-period', 'time between two attempts to take or renew it', retryMs))
    .option('--leader-elect-resource-name <name>', 'name of the Lease', leaseName)
    .option('--leader-elect-resource-namespace <name>', 'namespace of the Lease', 'kube-system');
}

/** Throws `UsageFailure` when the times cannot work together. */
export function leaseTimesOf(flags: LeaderFlags): LeaseTimes {
  const times: LeaseTimes = {
    leaseMs: flags.leaderElectLeaseDuration,
    renewDeadlineMs: flags.leaderElectRenewDeadline,
    retryMs: flags.leaderElectRetryPeriod,
  };
  const wrong = wrongTimes(times);
  if (wrong !== undefined)
    throw new UsageFailure(
      `The times of the leader election do not fit: ${wrong}`,
      'Change --leader-elect-lease-duration, --leader-elect-renew-deadline or --leader-elect-retry-period',
    );
  return times;
}

export function parseBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Write true or false.');
  return text === 'true';
}
