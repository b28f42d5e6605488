// A request that somebody asks about, from the words of a command line or of a query: checked, and made whole.
// Knows no engine.
import { isIP } from 'node:net';
import type { Question } from '#traffic/proxy/explain/explanation.ts';
import { UsageFailure } from '../failure.ts';

export interface Asked {
  readonly url: string;
  readonly method?: string;
  /** `name: value` or `name=value`. */
  readonly headers?: readonly string[];
  readonly listener?: string;
  readonly client?: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Throws `UsageFailure` for what no request could be. */
export function questionOf({
  url: text,
  method = 'GET',
  headers = [],
  listener = '',
  client = '127.0.0.1',
}: Asked): Question {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageFailure(`"${text}" is no http or https URL`, 'Write e.g. http://127.0.0.1:8080/');
  }
  if (!TOKEN.test(method)) throw new UsageFailure(`"${method}" is no HTTP method`, 'Write e.g. --method POST');
  if (isIP(client) === 0) throw new UsageFailure(`"${client}" is no IP address`, 'Write e.g. --client 192.0.2.7');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    host: url.hostname,
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    target: targetOf(text, url),
    method,
    headers: headers.map(headerOf),
    clientAddress: client,
    listener,
  };
}

/** As written: a URL parser would tidy the path before the gateway could. */
function targetOf(text: string, url: URL): string {
  const written = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]*([^#]*)/i.exec(text)?.[1] ?? '';
  if (/[^\x21-\x7e]/.test(written)) return `${url.pathname}${url.search}`;
  return written.startsWith('/') ? written : `/${written}`;
}

function headerOf(text: string): readonly [string, string] {
  const at = text.search(/[:=]/);
  const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not stand there.
  if (at > 0 && TOKEN.test(name) && !/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return [name, value];
  throw new UsageFailure(`"${text}" is no header`, 'Write e.g. --header "X-Canary: yes" or --header x-canary=yes');
}
