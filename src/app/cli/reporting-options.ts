// The options of the access log and of traces, which `gateway` and `up` have in common.
// Knows no command.
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  ACCESS_FORMATS,
  type AccessField,
  type AccessLogSettings,
  accessFields,
  defaultAccessFields,
  isAccessField,
} from '#telemetry/access-record.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import { UsageFailure } from '../failure.ts';
import { collectorUrl, defaultTraces } from '../reporting.ts';
import { parseDuration, parseList } from './values.ts';

export interface ReportingFlags {
  readonly accessLog?: string | true;
  readonly accessLogFormat?: AccessLogSettings['format'];
  readonly accessLogFields?: readonly AccessField[];
  readonly accessLogRatio?: number;
  readonly accessLogSlow?: number;
  readonly traces?: string;
  readonly traceRatio?: number;
  readonly traceHeader?: Readonly<Record<string, string>>;
  readonly traceService?: string;
}

export function addReportingOptions(command: Command): Command {
  return command
    .option('--access-log [file]', 'write a line for every request, to standard output or to a file')
    .addOption(new Option('--access-log-format <format>', 'of its lines (default: json)').choices(ACCESS_FORMATS))
    .addOption(new Option('--access-log-fields <name,...>', 'what a line says, in this order').argParser(parseFields))
    .addOption(
      new Option('--access-log-ratio <0..1>', 'share of the requests that have a line; 5xx always have one').argParser(
        parseRatio,
      ),
    )
    .addOption(
      new Option('--access-log-slow <time>', 'requests that take so long always have one, too').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--traces <url>', 'send spans of requests to this collector, by OTLP over HTTP').argParser(parseUrl),
    )
    .addOption(
      new Option(
        '--trace-ratio <0..1>',
        `share of new traces that are recorded (default: ${defaultTraces.ratio}); callers decide of theirs`,
      ).argParser(parseRatio),
    )
    .addOption(
      new Option('--trace-header <name=value>', 'sent to the collector, e.g. authorization (repeatable)').argParser(
        parseHeader,
      ),
    )
    .option('--trace-service <name>', `service.name of the spans (default: ${defaultTraces.serviceName})`);
}

/** For the end of the help. */
export function reportingHelp(): string {
  const wide = Math.max(...Object.keys(accessFields).map((name) => name.length));
  const lines = Object.entries(accessFields).map(([name, about]) => `  ${name.padEnd(wide)}  ${about}`);
  return `Fields of --access-log-fields (all but userAgent and referer, when none are picked):
${lines.join('\n')}

A log file that is renamed or removed is made anew within a second. Lines and spans that cannot be written
in time are dropped and counted on /metrics: no request waits for them.

Traces follow W3C traceparent and tracestate. --traces http://127.0.0.1:4318 stands for …/v1/traces.`;
}

/** Throws `UsageFailure` for an option that says how, where none says that. */
export function reportingOf(flags: ReportingFlags): Reporting {
  const { accessLog, traces } = flags;
  const lone = (wanted: boolean, names: Readonly<Record<string, unknown>>, needed: string): void => {
    const found = Object.keys(names).find((name) => names[name] !== undefined);
    if (!wanted && found !== undefined) throw new UsageFailure(`${found} changes nothing`, `Give ${needed} as well`);
  };
  const { accessLogFormat: format, accessLogFields: fields, accessLogRatio: ratio, accessLogSlow: slow } = flags;
  lone(
    accessLog !== undefined,
    {
      '--access-log-format': format,
      '--access-log-fields': fields,
      '--access-log-ratio': ratio,
      '--access-log-slow': slow,
    },
    '--access-log',
  );
  const { traceRatio, traceHeader, traceService } = flags;
  lone(
    traces !== undefined,
    { '--trace-ratio': traceRatio, '--trace-header': traceHeader, '--trace-service': traceService },
    '--traces',
  );
  return {
    ...(accessLog === undefined
      ? {}
      : {
          accessLog: {
            file: accessLog === true ? '-' : accessLog,
            format: format ?? 'json',
            fields: fields ?? defaultAccessFields,
            ratio: ratio ?? 1,
            slow: slow ?? 0,
          },
        }),
    ...(traces === undefined
      ? {}
      : {
          traces: {
            ...defaultTraces,
            url: traces,
            ...(traceRatio === undefined ? {} : { ratio: traceRatio }),
            ...(traceHeader === undefined ? {} : { headers: traceHeader }),
            ...(traceService === undefined ? {} : { serviceName: traceService }),
          },
        }),
  };
}

function parseFields(text: string): readonly AccessField[] {
  return parseList(text).map((name) => {
    if (isAccessField(name)) return name;
    throw new InvalidArgumentError(`There is no field "${name}": pick of ${Object.keys(accessFields).join(', ')}.`);
  });
}

function parseRatio(text: string): number {
  const ratio = Number(text);
  if (text.trim() === '' || !(ratio >= 0 && ratio <= 1)) {
    throw new InvalidArgumentError('It is no number from 0 to 1: write e.g. 0.1.');
  }
  return ratio;
}

function parseUrl(text: string): string {
  const url = collectorUrl(text);
  if (url === undefined) throw new InvalidArgumentError('It is no HTTP URL: write e.g. http://127.0.0.1:4318.');
  return url;
}

function parseHeader(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x20-\x7e]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('It is no header: write e.g. authorization="Bearer abc".');
  }
  return { ...before, [name.toLowerCase()]: value };
}
