// Reads the metrics of pods that ask for it by annotation, when somebody wants to know; bounded in every direction.
// Knows HTTP and annotations; what the figures mean is scraped-values.ts. (Upstream: the prometheus.io annotations.)
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '#lib/clock.ts';
import { type AnyObject, digString } from '../../registry/any-object.ts';

const PREFIX = 'prometheus.io/';
/** Milliseconds. */
const LIMIT_MS = 2_000;
const FRESH_MS = 1_000;
/** Over which time counters are turned into rates; after as long without a question a pod is forgotten. */
const WINDOW_MS = 10_000;
const IDLE_MS = 60_000;
/** Characters of one answer. */
const LONGEST = 2 * 1024 * 1024;
/** Pods that are read at a time, and that are remembered. */
const AT_ONCE = 16;
const MOST_PODS = 1_000;

export interface Reading {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly text: string;
}

export interface Readings {
  readonly latest: Reading;
  /** From about a window ago; undefined after the first reading. */
  readonly before: Reading | undefined;
}

interface Known {
  readings: Reading[];
  askedAt: number;
  reading: Promise<void> | undefined;
}

export class Scraper {
  readonly #clock: Clock;
  /** By uid, the one that was asked for longest ago first. */
  readonly #pods = new Map<string, Known>();
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined` for a pod that does not ask to be read, or does not answer. */
  async read(pod: AnyObject): Promise<Readings | undefined> {
    const url = urlOf(pod);
    if (url === undefined) return undefined;
    const uid = pod.metadata?.uid ?? '';
    const now = this.#clock.now();
    const known = this.#pods.get(uid) ?? { readings: [], askedAt: now, reading: undefined };
    // Put at the end again.
    this.#pods.delete(uid);
    this.#pods.set(uid, known);
    known.askedAt = now;
    this.#forget(now);
    if (now - (known.readings.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= FRESH_MS) {
      known.reading ??= this.#take(url, known).finally(() => {
        known.reading = undefined;
      });
      await known.reading;
    }
    const latest = known.readings.at(-1);
    if (latest === undefined) return undefined;
    const [first] = known.readings;
    return { latest, before: first === latest ? undefined : first };
  }

  async #take(url: URL, known: Known): Promise<void> {
    await this.#turn();
    try {
      const text = await fetchText(url);
      const at = this.#clock.now();
      const from = known.readings.findLastIndex((reading) => reading.at <= at - WINDOW_MS);
      known.readings = [...known.readings.slice(Math.max(0, from)), { at, text }];
    } catch {
      // A pod that does not answer has no figures: its autoscaler is told that they are missing.
      known.readings = [];
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running++;
  }

  #forget(now: number): void {
    for (const [uid, { askedAt }] of this.#pods) {
      if (this.#pods.size <= MOST_PODS && now - askedAt <= IDLE_MS) return;
      this.#pods.delete(uid);
    }
  }
}

/** Where a pod can be read; undefined when it does not ask for it, has no address, or says nonsense. */
export function urlOf(pod: AnyObject): URL | undefined {
  const { annotations = {} } = pod.metadata ?? {};
  const ip = digString(pod, 'status', 'podIP');
  if (annotations[`${PREFIX}scrape`] !== 'true' || ip === '') return undefined;
  const port = annotations[`${PREFIX}port`] ?? '80';
  const path = annotations[`${PREFIX}path`] ?? '/metrics';
  const scheme = annotations[`${PREFIX}scheme`] ?? 'http';
  if (!/^\d{1,5}$/.test(port) || !path.startsWith('/') || !['http', 'https'].includes(scheme)) return undefined;
  const host = ip.includes(':') ? `[${ip}]` : ip;
  return URL.parse(`${scheme}://${host}:${port}${path}`) ?? undefined;
}

function fetchText(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // As Prometheus is set up for pods: their certificates are their own.
    const options = { agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(LIMIT_MS) };
    const sent = send(url, { ...options, headers: { accept: 'text/plain;version=0.0.4' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST) answer.destroy(new Error(`it is longer than ${LONGEST} characters`));
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`it answered ${answer.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
