// The options of metrics that a Prometheus has, which `up` and `metrics-server` have in common.
// Knows no command; what the rules may say is measures/prometheus.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';
import { formatProblem } from '../manifests/format.ts';
import type { PrometheusSource } from '../measures/prometheus/open-prometheus.ts';
import { parseDuration } from './values.ts';

export interface PrometheusFlags {
  readonly prometheusUrl?: URL;
  readonly prometheusRules?: string;
  readonly prometheusCaFile?: string;
  readonly prometheusTokenFile?: string;
  readonly metricsRelistInterval: number;
}

export function addPrometheusOptions(command: Command, relistMs: number): Command {
  return command
    .addOption(
      new Option('--prometheus-url <url>', 'a Prometheus whose series are custom and external metrics, too').argParser(
        parseUrl,
      ),
    )
    .option('--prometheus-rules <file>', 'which of its series, as what: a configuration of prometheus-adapter')
    .option('--prometheus-ca-file <file>', 'authority of its certificate (default: those that Node.js knows)')
    .option('--prometheus-token-file <file>', 'bearer token to come with, read anew for each question')
    .addOption(
      new Option('--metrics-relist-interval <duration>', 'time between two looks at which series it has')
        .argParser(parseDuration)
        .default(relistMs, `${relistMs / 1000}s`),
    );
}

/** Undefined when nothing is asked for. Throws `UsageFailure`, and `Failure` with every mistake in the rules. */
export async function prometheusOf(flags: PrometheusFlags): Promise<PrometheusSource | undefined> {
  const { prometheusUrl: url, prometheusRules: file } = flags;
  if (url === undefined && file === undefined) return undefined;
  if (url === undefined)
    throw new UsageFailure('--prometheus-rules is there, and no Prometheus', 'Give --prometheus-url');
  if (file === undefined) {
    throw new UsageFailure(
      '--prometheus-url is there, and nothing says which of its series are metrics',
      'Give --prometheus-rules with a configuration of prometheus-adapter; docs/autoscaling.md has an example',
    );
  }
  const { readRules } = await import('../measures/prometheus/read-rules.ts');
  const read = readRules(textOf(file, '--prometheus-rules'), basename(file));
  if ('problems' in read) {
    throw new Failure(
      `The rules in "${file}" cannot be used:\n${read.problems.map(formatProblem).join('\n')}`,
      'Correct the file',
    );
  }
  const { prometheusCaFile: caFile, prometheusTokenFile: tokenFile } = flags;
  if (caFile !== undefined) textOf(caFile, '--prometheus-ca-file');
  if (tokenFile !== undefined) textOf(tokenFile, '--prometheus-token-file');
  return {
    url,
    rules: read,
    relistMs: flags.metricsRelistInterval,
    ...(caFile === undefined ? {} : { caFile }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
}

function textOf(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(
      `Cannot read "${file}": ${codeOf(error) ?? messageOf(error)}`,
      `Name a readable file with ${flag}`,
    );
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidArgumentError('It is no http:// or https:// URL: write e.g. http://127.0.0.1:9090.');
  }
  return url;
}
