// Asks a running gateway what would become of a request, over its admin page.
// Knows no table; the answer is the gateway's own.
import type { Explanation } from '#traffic/proxy/explain/explanation.ts';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';
import type { Asked } from './question.ts';

export const defaultAdmin = 'http://127.0.0.1:9901';

/** Longest wait for an answer, milliseconds. */
const PATIENCE_MS = 10_000;

/** Throws a `Failure` when nobody answers, or somebody else. */
export async function askAdmin(admin: string, asked: Asked): Promise<Explanation> {
  const base = URL.parse(admin.includes('://') ? admin : `http://${admin}`);
  if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
    throw new UsageFailure(`"${admin}" is no http URL`, `Give --admin e.g. ${defaultAdmin}`);
  }
  const url = new URL('/explain', base);
  url.searchParams.set('url', asked.url);
  if (asked.method !== undefined) url.searchParams.set('method', asked.method);
  if (asked.listener !== undefined) url.searchParams.set('listener', asked.listener);
  if (asked.client !== undefined) url.searchParams.set('client', asked.client);
  for (const header of asked.headers ?? []) url.searchParams.append('header', header);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    throw new Failure(
      `No gateway answers at ${base.origin}: ${codeOf(cause) ?? messageOf(cause ?? error)}`,
      'Start one with "evenkeel gateway" or "evenkeel up", name its admin page with --admin, or explain a file with --config',
      { cause: error },
    );
  }
  const text = await response.text();
  if (response.status === 200 && response.headers.get('content-type')?.startsWith('application/json') === true) {
    return JSON.parse(text) as Explanation;
  }
  throw new Failure(
    `The page at ${base.origin} answers ${response.status}: ${text.split('\n', 1)[0] ?? ''}`,
    'Name the admin page of a gateway of this version with --admin',
  );
}
