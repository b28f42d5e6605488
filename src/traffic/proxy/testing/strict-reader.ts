// A second reading of HTTP/1.1 for tests: small, slow, written from the grammar of RFC 9112 alone.
// Shares no code with the codec, so that both can only be wrong together by accident.

export interface StrictMessage {
  /** `GET /a HTTP/1.1`, or `HTTP/1.1 200 OK`. */
  readonly start: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

export interface StrictReading {
  readonly messages: readonly StrictMessage[];
  /** What follows the last whole message: the start of another, or the bytes of a tunnel. */
  readonly rest: string;
  /** What breaks the grammar; empty while nothing does. */
  readonly error: string;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const fieldLine = new RegExp(
  `^(${token}):[ \\t]*((?:[\\x21-\\x7e\\x80-\\xff](?:[ \\t\\x21-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)?)[ \\t]*$`,
);
const requestLine = new RegExp(`^${token} [\\x21-\\x7e]+ HTTP/1\\.[01]$`);
const statusLine = /^HTTP\/1\.[01] [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;

type Body = { readonly body: string; readonly trailers: StrictMessage['trailers']; readonly length: number };
type Part = Body | 'incomplete' | { readonly error: string };

/** Every value of the header `name`. */
export function fieldValues(message: StrictMessage, name: string): string[] {
  return message.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** The requests that `bytes` (Latin-1) hold. */
export function readRequests(bytes: string): StrictReading {
  return readAll(bytes, requestLine, (message, rest) => {
    const framing = framingOf(message);
    if (fieldValues(message, 'host').length !== 1) return { error: 'Not exactly one Host' };
    return framing === 'none' ? { body: '', trailers: [], length: 0 } : readBody(framing, rest);
  });
}

/** The responses that `bytes` hold to requests with `methods`, in order; `ended` when the sender has closed. */
export function readResponses(bytes: string, methods: readonly string[], ended: boolean): StrictReading {
  let answered = 0;
  return readAll(bytes, statusLine, (message, rest) => {
    const status = Number(message.start.slice(9, 12));
    const empty: Body = { body: '', trailers: [], length: 0 };
    if (status === 101) return { ...empty, length: rest.length };
    if (status < 200) return framingOf(message) === 'none' ? empty : { error: 'An interim response with a body' };
    if (answered >= Math.max(methods.length, 1)) return { error: 'More responses than requests' };
    const method = methods[answered++];
    const framing = framingOf(message);
    if (status === 204 && framing !== 'none') return { error: 'A 204 that announces a body' };
    if (typeof framing === 'object') return framing;
    if (method === 'HEAD' || status === 204 || status === 304) return empty;
    if (framing !== 'none') return readBody(framing, rest);
    return ended ? { body: rest, trailers: [], length: rest.length } : 'incomplete';
  });
}

function readAll(
  bytes: string,
  startLine: RegExp,
  bodyOf: (message: StrictMessage, rest: string) => Part,
): StrictReading {
  const messages: StrictMessage[] = [];
  let rest = bytes;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const [start = '', ...lines] = rest.slice(0, end).split('\r\n');
    if (!startLine.test(start)) return { messages, rest, error: `Start line ${JSON.stringify(start)}` };
    const fields = readFields(lines);
    if (typeof fields === 'string') return { messages, rest, error: fields };
    const part = bodyOf({ start, fields, body: '', trailers: [] }, rest.slice(end + 4));
    if (part === 'incomplete') break;
    if ('error' in part) return { messages, rest, error: part.error };
    messages.push({ start, fields, body: part.body, trailers: part.trailers });
    rest = rest.slice(end + 4 + part.length);
  }
  return { messages, rest, error: '' };
}

function readFields(lines: readonly string[]): (readonly [string, string])[] | string {
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const match = fieldLine.exec(line);
    if (match === null) return `Field line ${JSON.stringify(line)}`;
    fields.push([match[1] as string, match[2] as string]);
  }
  return fields;
}

function framingOf(message: StrictMessage): number | 'chunked' | 'none' | { error: string } {
  const lengths = fieldValues(message, 'content-length');
  const codings = fieldValues(message, 'transfer-encoding');
  if (lengths.length + codings.length > 1) return { error: 'More than one framing' };
  if (codings.length === 1) return codings[0]?.toLowerCase() === 'chunked' ? 'chunked' : { error: 'Unknown coding' };
  if (lengths.length === 0) return 'none';
  return /^[0-9]{1,15}$/.test(lengths[0] as string) ? Number(lengths[0]) : { error: 'Malformed length' };
}

function readBody(framing: number | 'chunked' | { error: string }, rest: string): Part {
  if (typeof framing === 'object') return framing;
  if (framing !== 'chunked') {
    if (rest.length < framing) return 'incomplete';
    return { body: rest.slice(0, framing), trailers: [], length: framing };
  }
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return 'incomplete';
    const line = rest.slice(at, lineEnd);
    if (!/^[0-9a-fA-F]{1,12}(;[\t\x20-\x7e\x80-\xff]*)?$/.test(line)) {
      return { error: `Chunk size ${JSON.stringify(line)}` };
    }
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (rest.length < at + size + 2) return 'incomplete';
    body += rest.slice(at, at + size);
    if (!rest.startsWith('\r\n', at + size)) return { error: 'Chunk does not end with CR LF' };
    at += size + 2;
  }
  if (rest.startsWith('\r\n', at)) return { body, trailers: [], length: at + 2 };
  const end = rest.indexOf('\r\n\r\n', at);
  if (end < 0) return 'incomplete';
  const trailers = readFields(rest.slice(at, end).split('\r\n'));
  return typeof trailers === 'string' ? { error: trailers } : { body, trailers, length: end + 4 };
}
