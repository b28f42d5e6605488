// `evenkeel load`: drives requests at a URL, steadily or in the shape of a spike, and says how it went.
// Knows options and printing; the load itself is run elsewhere.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Command, Option } from 'commander';
import { messageOf, UsageFailure } from '../../failure.ts';
import { highestRate, planOf } from '../../load/plan.ts';
import { PROFILES, type ProfileName } from '../../load/profiles.ts';
import type { LoadReport } from '../../load/report.ts';
import type { LoadOptions } from '../../load/run.ts';
import { collect, parseCount, parseDuration, parseFactor, parseRate } from '../values.ts';

interface Options {
  readonly profile: ProfileName;
  readonly rate: number;
  readonly peak?: number;
  readonly duration?: number;
  readonly period?: number;
  readonly trace?: string;
  readonly speed?: number;
  readonly host?: string;
  readonly method: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly connections: number;
  readonly timeout: number;
  readonly insecure: boolean;
  readonly ca?: string;
  readonly json: boolean;
  readonly report?: string;
  readonly data?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function loadCommand(): Command {
  return new Command('load')
    .summary('drive requests, steadily or as a spike, and report latencies, failures and who answered')
    .description(
      'Sends requests when they are due, whether or not earlier ones have come back, and measures each from the moment it was meant to leave. Ends with exit code 1 when any request failed (HTTP 400 and above count).\n\nProfiles: "constant"; "spike" rises steeply from --rate to --peak after a fifth of the time, stays, and falls; "ramp" rises evenly; "wave" goes up and down; "soak" is constant for long; "replay" sends what --trace recorded: an access log of the gateway (its GET, HEAD and OPTIONS requests, to --host or else to the host of each), or lines of "seconds,requests per second".\n\n--report writes one page with rate, latencies, errors, replicas, who answered and the events of the cluster on one time axis. It needs no network to be looked at.',
    )
    .argument('<url>', 'where to, e.g. http://127.0.0.1:8080/')
    .addOption(new Option('--profile <name>', 'shape of the load').choices(PROFILES).default('constant'))
    .addOption(
      new Option('--rate <n>', 'requests a second; of a profile, where it begins').argParser(parseRate).default(100),
    )
    .addOption(
      new Option(
        '--peak <n>',
        'spike, ramp, wave: requests a second at the highest (default: ten times the rate)',
      ).argParser(parseRate),
    )
    .addOption(
      new Option(
        '--duration <time>',
        'how long, e.g. 20s or 1m (default: 10s; spike, ramp, wave 1m; soak 10m)',
      ).argParser(parseDuration),
    )
    .addOption(
      new Option('--period <time>', 'wave: from one crest to the next (default: a third of the time)').argParser(
        parseDuration,
      ),
    )
    .option('--trace <file>', 'replay: what is sent again')
    .addOption(new Option('--speed <factor>', 'replay: this many times as fast (default: 1)').argParser(parseFactor))
    .option('--host <name>', 'Host header, and TLS server name for https')
    .option('--method <name>', 'HTTP method', 'GET')
    .addOption(
      new Option('--header <name: value>', 'further header; may be repeated').argParser(collect).default([], 'none'),
    )
    .option('--body <text>', 'request body; @FILE reads it from a file')
    .addOption(new Option('--connections <n>', 'at most this many at once').argParser(parseCount).default(256))
    .addOption(
      new Option('--timeout <time>', 'longest wait for a whole answer').argParser(parseDuration).default(10_000, '10s'),
    )
    .option('--insecure', 'accept any certificate', false)
    .option('--ca <file>', 'trust the certificates in this PEM file, e.g. pki/ca.crt of the data directory')
    .option('--json', 'print the report as JSON, second by second as well', false)
    .option('--report <file>', 'write a page with plots, e.g. out.html')
    .option('--data <dir>', 'with --report: the data directory of the cluster that is looked at')
    .option('--kubeconfig <file>', 'with --report: the cluster that is looked at (default: the embedded one)')
    .option('--context <name>', 'context of that kubeconfig')
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel load http://127.0.0.1:8080/ --host shop.local --rate 500 --duration 20s
  $ evenkeel load http://127.0.0.1:8080/ --host shop.local --profile spike --rate 30 --report out.html
  $ evenkeel load http://127.0.0.1:8080/ --profile replay --trace access.log --speed 10
  $ evenkeel load https://127.0.0.1:8443/ --host shop.local --ca ~/.evenkeel/pki/ca.crt --json
  $ evenkeel load http://127.0.0.1:8080/api/cart/items --host shop.local --method POST --body '{"sku":"mug"}'`,
    )
    .action(async (url: string, options: Options) => {
      process.exitCode = (await load(url, options)) ? 0 : 1;
    });
}

async function load(text: string, options: Options): Promise<boolean> {
  const url = parseUrl(text);
  const headers = options.header.map(parseHeader);
  const body = options.body?.startsWith('@') === true ? readText(options.body.slice(1), '--body') : options.body;
  const { profile, rate, peak, duration, period, trace, speed } = options;
  const plan = planOf({
    profile,
    rate,
    ...(peak === undefined ? {} : { peak }),
    ...(duration === undefined ? {} : { durationMs: duration }),
    ...(period === undefined ? {} : { periodMs: period }),
    ...(trace === undefined ? {} : { trace }),
    ...(speed === undefined ? {} : { speed }),
  });
  if (options.report !== undefined) checkWritable(options.report);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  try {
    const report = await run(options, {
      url,
      ...plan,
      method: options.method.toUpperCase(),
      headers,
      connections: options.connections,
      timeoutMs: options.timeout,
      insecure: options.insecure,
      signal: stop.signal,
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(body === undefined ? {} : { body }),
      ...(options.ca === undefined ? {} : { caPem: readText(options.ca, '--ca') }),
    });
    return report.ok === report.requests;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

/** Runs it with a line of progress on a terminal, then prints what was found and writes the page. */
async function run(options: Options, load: LoadOptions): Promise<LoadReport> {
  const [{ runLoad }, { formatProgress, formatReport }] = await Promise.all([
    import('../../load/run.ts'),
    import('../../load/format.ts'),
  ]);
  const live = process.stderr.isTTY === true;
  const send = (): Promise<LoadReport> => {
    let finished = 0;
    return runLoad({
      ...load,
      onProgress: (progress) => {
        if (live) process.stderr.write(`\r\x1b[2K${formatProgress(progress, finished)}`);
        finished = progress.finished;
      },
    });
  };
  const print = (report: LoadReport): void => {
    if (live) process.stderr.write('\r\x1b[2K');
    const peak = options.profile === 'constant' ? undefined : highestRate(load.schedule);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report, peak));
  };
  if (options.report === undefined) {
    const report = await send();
    print(report);
    return report;
  }
  const [{ observed }, { renderPage }] = await Promise.all([
    import('../../load/observed.ts'),
    import('../../load/page/page.ts'),
  ]);
  const found = await observed(options, send);
  print(found.load);
  writeFileSync(options.report, renderPage({ ...found, profile: options.profile }));
  if (!options.json) process.stdout.write(`\nReport: ${options.report}\n`);
  return found.load;
}

/** Before minutes of load, not after them. */
function checkWritable(file: string): void {
  try {
    appendFileSync(file, '');
  } catch (error) {
    throw new UsageFailure(`Cannot write "${file}": ${messageOf(error)}`, 'Give --report a file that can be written');
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new UsageFailure(`"${text}" is no http or https URL`, 'Write e.g. http://127.0.0.1:8080/');
}

function parseHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  const header = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()] as const;
  try {
    validateHeaderName(colon > 0 ? header[0] : '');
    validateHeaderValue(...header);
  } catch {
    throw new UsageFailure(`"${text}" is no header`, 'Write e.g. --header "Accept: text/html"');
  }
  return header;
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(`Cannot read "${file}": ${messageOf(error)}`, `Give ${flag} a file that can be read`);
  }
}
