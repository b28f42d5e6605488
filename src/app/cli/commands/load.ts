// `evenkeel load`: drives a constant rate of requests at a URL and says how it went.
// Knows options and printing; the load itself is run elsewhere.
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Command, Option } from 'commander';
import { messageOf, UsageFailure } from '../../failure.ts';
import { collect, parseCount, parseDuration, parseRate } from '../values.ts';

interface Options {
  readonly rate: number;
  readonly duration: number;
  readonly host?: string;
  readonly method: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly connections: number;
  readonly timeout: number;
  readonly insecure: boolean;
  readonly ca?: string;
  readonly json: boolean;
}

export function loadCommand(): Command {
  return new Command('load')
    .summary('drive a constant rate of requests and report latencies, failures and who answered')
    .description(
      'Sends requests at a constant rate, whether or not earlier ones have come back, and measures each from the moment it was meant to leave. Ends with exit code 1 when any request failed (HTTP 400 and above count).',
    )
    .argument('<url>', 'where to, e.g. http://127.0.0.1:8080/')
    .addOption(new Option('--rate <n>', 'requests a second').argParser(parseRate).default(100))
    .addOption(
      new Option('--duration <time>', 'how long, e.g. 20s or 1m').argParser(parseDuration).default(10_000, '10s'),
    )
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
    .option('--json', 'print the report as JSON', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel load http://127.0.0.1:8080/ --host shop.local --rate 500 --duration 20s
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
  const [{ runLoad }, { formatProgress, formatReport }] = await Promise.all([
    import('../../load/run.ts'),
    import('../../load/format.ts'),
  ]);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  const live = process.stderr.isTTY === true;
  let finished = 0;
  const report = await runLoad({
    url,
    rate: options.rate,
    durationMs: options.duration,
    method: options.method.toUpperCase(),
    headers,
    connections: options.connections,
    timeoutMs: options.timeout,
    insecure: options.insecure,
    signal: stop.signal,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(body === undefined ? {} : { body }),
    ...(options.ca === undefined ? {} : { caPem: readText(options.ca, '--ca') }),
    onProgress: (progress) => {
      if (live) process.stderr.write(`\r\x1b[2K${formatProgress(progress, finished)}`);
      finished = progress.finished;
    },
  });
  process.removeListener('SIGINT', interrupt);
  if (live) process.stderr.write('\r\x1b[2K');
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
  return report.ok === report.requests;
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
