// `evenkeel forecast`: plays recorded demand against the autoscaler in virtual time, with and without a forecast.
// Knows options and printing; what is played, control/autoscale knows.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { backtest, type Fleet, MOST_STEPS, type Outcome } from '#control/autoscale/index.ts';
import { messageOf, UsageFailure } from '../../failure.ts';
import type { Knot } from '../../load/schedule.ts';
import { readRates } from '../../load/trace.ts';
import { formatTable } from '../table.ts';
import { parseCount, parseDuration, parseRate, parseShare } from '../values.ts';

interface Options {
  readonly season: number;
  readonly step: number;
  readonly horizon: number;
  readonly maxError: number;
  readonly podCapacity: number;
  readonly target: number;
  readonly min: number;
  readonly max: number;
  readonly podStart: number;
  readonly sync: number;
  readonly downWindow: number;
  readonly objective: number;
  readonly output?: 'json';
}

/** Seconds of demand that are played at most: a year and some. */
const MOST_SECONDS = 400 * 86_400;
const PATIENCE_MS = 10_000;

export function forecastCommand(): Command {
  return new Command('forecast')
    .summary('play recorded demand against the autoscaler, with and without a forecast')
    .description(
      'Plays demand that was recorded (lines of "seconds,requests per second") against a HorizontalPodAutoscaler in virtual time: once by what it measures alone, once with a forecast that may add pods before they are needed, and says for how many seconds users waited longer than the objective, and what the pods cost. A forecast never takes pods away, and acts only while its recent error is small and it knows more than the present value does.\n\nIn a cluster, the annotation evenkeel.dev/forecast on a HorizontalPodAutoscaler switches it on: "season=24h,horizon=3m" acts, with "mode=dry-run" it only reports.',
    )
    .argument('<trace...>', 'files of recorded demand, e.g. examples/traces/shop.csv')
    .addOption(duration('--season <time>', 'what repeats itself', 86_400_000, '24h'))
    .addOption(duration('--step <time>', 'demand is told apart by this much time', 60_000, '1m'))
    .addOption(duration('--horizon <time>', 'how far ahead the forecast looks', 180_000, '3m'))
    .addOption(
      new Option('--max-error <share>', 'a forecast that was further off lately does not act')
        .argParser(parseShare)
        .default(0.2, '20%'),
    )
    .addOption(
      new Option('--pod-capacity <n>', 'requests a second that one pod carries').argParser(parseRate).default(50),
    )
    .addOption(
      new Option('--target <share>', 'the share of it that the autoscaler aims at')
        .argParser(parseShare)
        .default(0.7, '70%'),
    )
    .addOption(new Option('--min <n>', 'minReplicas').argParser(parseCount).default(2))
    .addOption(new Option('--max <n>', 'maxReplicas').argParser(parseCount).default(50))
    .addOption(duration('--pod-start <time>', 'from the decision to the first request of a new pod', 30_000, '30s'))
    .addOption(duration('--sync <time>', 'how often the autoscaler looks', 15_000, '15s'))
    .addOption(duration('--down-window <time>', 'how long it waits before pods go', 300_000, '5m'))
    .addOption(duration('--objective <time>', 'users should not wait longer', 250, '250ms'))
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['json']))
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel forecast examples/traces/shop.csv examples/traces/steady.csv
  $ evenkeel forecast week.csv --pod-capacity 120 --pod-start 90s --horizon 5m
  $ evenkeel forecast minutes.csv --season 10m --step 5s --horizon 30s`,
    )
    .action((traces: string[], options: Options) => {
      const fleet = fleetOf(options);
      const played = traces.map((trace) => play(trace, fleet, options));
      process.stdout.write(options.output === 'json' ? `${JSON.stringify(played, null, 2)}\n` : table(played));
    });
}

interface Played {
  readonly trace: string;
  readonly seconds: number;
  readonly alone: Outcome;
  readonly forecasting: Outcome;
}

function play(trace: string, fleet: Fleet, options: Options): Played {
  const rates = ratesOf(trace);
  const { season: seasonMs, step: stepMs, horizon: horizonMs, maxError } = options;
  const alone = backtest(rates, fleet);
  const forecasting = backtest(rates, fleet, { seasonMs, stepMs, horizonMs, maxError });
  return { trace, seconds: rates.length, alone, forecasting };
}

function fleetOf(options: Options): Fleet {
  const { min, max, season, step, horizon } = options;
  if (min > max) throw new UsageFailure(`--min ${min} is above --max ${max}`, 'Give --max at least as many');
  if (season / step > MOST_STEPS) {
    throw new UsageFailure(
      `A season of ${season / step} steps is too long: ${MOST_STEPS} are the most`,
      'Give a longer --step',
    );
  }
  if (season < 2 * step) throw new UsageFailure('A season needs two steps at least', 'Give a shorter --step');
  if (horizon > season)
    throw new UsageFailure('--horizon is longer than --season', 'Give --horizon what pods take to come');
  return {
    capacity: options.podCapacity,
    target: options.target,
    minReplicas: min,
    maxReplicas: max,
    podStartSeconds: options.podStart / 1000,
    syncSeconds: Math.max(1, Math.round(options.sync / 1000)),
    downWindowSeconds: options.downWindow / 1000,
    objectiveMs: options.objective,
    patienceMs: PATIENCE_MS,
  };
}

/** A value a second. */
function ratesOf(file: string): readonly number[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(`Cannot read "${file}": ${messageOf(error)}`, 'Name a file of recorded demand');
  }
  const knots = readRates(text, file);
  const seconds = Math.floor((knots.at(-1)?.atMs ?? 0) / 1000);
  if (seconds > MOST_SECONDS) {
    throw new UsageFailure(`"${file}" is ${Math.round(seconds / 86_400)} days long`, 'Give at most 400 days');
  }
  let at = 0;
  return Array.from({ length: seconds }, (_, second) => {
    while ((knots[at + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= second * 1000) at++;
    return between(knots[at] as Knot, knots[at + 1] as Knot, second * 1000);
  });
}

function between(from: Knot, to: Knot, atMs: number): number {
  return from.rate + ((to.rate - from.rate) * (atMs - from.atMs)) / (to.atMs - from.atMs);
}

function table(played: readonly Played[]): string {
  const rows = played.flatMap(({ trace, alone, forecasting }) => [
    [trace, 'measures', `${alone.lateSeconds}`, '', `${alone.podSeconds}`, '', `${alone.highestReplicas}`, ''],
    [
      '',
      'and forecasts',
      `${forecasting.lateSeconds}`,
      change(forecasting.lateSeconds, alone.lateSeconds),
      `${forecasting.podSeconds}`,
      change(forecasting.podSeconds, alone.podSeconds),
      `${forecasting.highestReplicas}`,
      words(forecasting),
    ],
  ]);
  return formatTable(['TRACE', 'AUTOSCALER', 'SECONDS LATE', '', 'POD-SECONDS', '', 'MOST PODS', 'FORECAST'], rows);
}

function words({ acted, last }: Outcome): string {
  if (last === undefined) return '';
  const model = last.model === '' ? '' : `${last.model}: `;
  return `${model}${last.reason}; ${acted === 0 ? 'never acted' : `acted ${acted} times`}`;
}

function change(now: number, before: number): string {
  if (before === 0) return now === 0 ? '=' : 'more';
  const part = ((now - before) / before) * 100;
  return now === before ? '=' : `${part > 0 ? '+' : ''}${part.toFixed(1)}%`;
}

function duration(flags: string, text: string, ms: number, shown: string): Option {
  return new Option(flags, text).argParser(parseDuration).default(ms, shown);
}
