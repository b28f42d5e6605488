// Answers of the proxy itself, as data: refusals, redirects, direct responses.
// Knows nothing of protocols; who sends one frames it.

export interface LocalReply {
  readonly status: number;
  /** UTF-8 text; a short reason never tells internals. */
  readonly body: string;
  readonly contentType: string;
  /** Further whole header lines, each with its line end. */
  readonly headers: string;
  /** What metrics and the access log call it; one of few words. */
  readonly code: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** A short text that says why. */
export function textReply(status: number, reason: string, code = 'refused'): LocalReply {
  return { status, body: `${reason}\n`, contentType: TEXT, headers: '', code };
}

/** Answers that are what the route is there for. */
const intended: ReadonlySet<string> = new Set(['cors_preflight', 'direct', 'redirect']);

/** What the access log says went wrong; empty when nothing did. */
export function failureOf({ code }: LocalReply): string {
  return intended.has(code) ? '' : code;
}
