// From what the command line asks for to when each request leaves: profiles, traces, and what does not go together.
// Knows flags and their remedies; sends nothing.
import { readFileSync } from 'node:fs';
import { messageOf, UsageFailure } from '../failure.ts';
import { type ProfileName, profileKnots } from './profiles.ts';
import { constantRate, type Schedule, varyingRate } from './schedule.ts';
import { readTrace, type Trace } from './trace.ts';

export interface Asked {
  readonly profile: ProfileName;
  readonly rate: number;
  readonly peak?: number;
  readonly durationMs?: number;
  readonly periodMs?: number;
  readonly trace?: string;
  readonly speed?: number;
}

export const PEAK_FACTOR = 10;
/** Peaks asked for by factor only are held here: what one process can send. */
const HIGHEST_PEAK = 20_000;
const WAVES = 3;

const DURATIONS: Readonly<Record<Exclude<ProfileName, 'replay'>, number>> = {
  constant: 10_000,
  spike: 60_000,
  ramp: 60_000,
  wave: 60_000,
  soak: 600_000,
};

/** Which flags mean something with which profiles. */
const MEANT: ReadonlyArray<readonly [keyof Asked, flag: string, profiles: readonly ProfileName[]]> = [
  ['peak', '--peak', ['spike', 'ramp', 'wave']],
  ['periodMs', '--period', ['wave']],
  ['trace', '--trace', ['replay']],
  ['speed', '--speed', ['replay']],
  ['durationMs', '--duration', ['constant', 'spike', 'ramp', 'wave', 'soak']],
];

/** Throws a `Failure` that names the flag, or the line of the trace. */
export function planOf(asked: Asked): Trace {
  const { profile, rate } = asked;
  for (const [key, flag, profiles] of MEANT) {
    if (asked[key] === undefined || profiles.includes(profile)) continue;
    throw new UsageFailure(
      `${flag} means nothing to the profile "${profile}"`,
      `Leave it out, or give --profile ${profiles.join(' or ')}`,
    );
  }
  if (profile === 'replay') return replay(asked);
  const durationMs = asked.durationMs ?? DURATIONS[profile];
  if (profile === 'constant') return { schedule: constantRate(rate, durationMs) };
  const peak = asked.peak ?? Math.min(HIGHEST_PEAK, rate * PEAK_FACTOR);
  if (peak < rate) {
    throw new UsageFailure(
      `--peak ${peak} is below --rate ${rate}`,
      'Give --rate what the load is before and after its peak',
    );
  }
  const periodMs = asked.periodMs ?? durationMs / WAVES;
  return { schedule: varyingRate(profileKnots(profile, { rate, peak, durationMs, periodMs })) };
}

function replay({ trace, speed = 1 }: Asked): Trace {
  if (trace === undefined) {
    throw new UsageFailure(
      'The profile "replay" has nothing to replay',
      'Give --trace an access log, or a file of rates',
    );
  }
  let text: string;
  try {
    text = readFileSync(trace, 'utf8');
  } catch (error) {
    throw new UsageFailure(`Cannot read "${trace}": ${messageOf(error)}`, 'Give --trace a file that can be read');
  }
  return readTrace(text, trace, speed);
}

/** Requests a second in the busiest second. */
export function highestRate({ total, startOf }: Schedule): number {
  let most = 0;
  for (let first = 0, next = 0; next < total; next++) {
    while (startOf(next) - startOf(first) >= 1000) first++;
    most = Math.max(most, next - first + 1);
  }
  return most;
}
