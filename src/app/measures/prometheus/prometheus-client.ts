// Questions to a Prometheus: an instant query, and which series there are. Every one ends in time.
// Knows Prometheus's HTTP API and no rule.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

export interface PrometheusSettings {
  readonly url: URL;
  /** Files, read anew when they are needed: tokens are renewed. */
  readonly caFile?: string;
  readonly tokenFile?: string;
}

/** One series of an answer; a scalar is one without labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Milliseconds; an autoscaler that waits longer than its period does not scale. */
const PATIENCE_MS = 5_000;
const MOST_BYTES = 16 * 1024 * 1024;

export class PrometheusClient {
  readonly #settings: PrometheusSettings;
  readonly #agent: Agent;

  /** Throws when the file of the authority cannot be read. */
  constructor(settings: PrometheusSettings) {
    this.#settings = settings;
    const { caFile } = settings;
    this.#agent = new Agent(caFile === undefined ? {} : { connect: { ca: readFileSync(caFile) } });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** As of now. Throws an `Error` with a reason, the server's own where it has one. */
  async query(text: string): Promise<readonly Sample[]> {
    const { resultType, result } = (await this.#ask('query', { query: text })) as {
      resultType: string;
      result: unknown;
    };
    if (resultType === 'scalar') return [{ labels: {}, value: Number((result as [number, string])[1]) }];
    if (resultType !== 'vector') throw new Error(`the query gives a ${resultType}, not a vector: ${text}`);
    const series = result as { metric: Record<string, string>; value?: [number, string] }[];
    return series.flatMap(({ metric, value }) =>
      // One that has native histograms only has no value.
      value === undefined ? [] : [{ labels: metric, value: Number(value[1].replace('Inf', 'Infinity')) }],
    );
  }

  /** Those that had a sample since `start`, in seconds since the epoch, with their labels. */
  async series(selector: string, start: number): Promise<readonly Readonly<Record<string, string>>[]> {
    return (await this.#ask('series', { 'match[]': selector, start: `${start}` })) as Record<string, string>[];
  }

  async #ask(what: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const { url, tokenFile } = this.#settings;
    const base = url.href.endsWith('/') ? url.href : `${url.href}/`;
    const target = new URL(`api/v1/${what}`, base);
    const { username, password } = target;
    target.username = '';
    target.password = '';
    const authorization =
      tokenFile !== undefined
        ? `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`
        : username === ''
          ? undefined
          : `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
    const { statusCode, body } = await request(target, {
      // By POST: a query with the names of a thousand pods is longer than a URL may be.
      method: 'POST',
      body: new URLSearchParams(parameters).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answer = parse(await textOf(body));
    if (answer?.status === 'success') return answer.data;
    throw new Error(`Prometheus at ${target.origin} answers ${statusCode}: ${answer?.error ?? 'no JSON of its own'}`);
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): { status?: string; error?: string; data?: unknown } | undefined {
  try {
    return JSON.parse(text) as { status?: string };
  } catch {
    return undefined;
  }
}
