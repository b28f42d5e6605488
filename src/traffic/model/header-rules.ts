// Which header lines a filter may touch, and what may stand in them: no edit can change where a message ends.
// Knows names and characters; nothing of messages.

/** Frames a message, or belongs to one hop: the engine alone writes these. */
const framing = [
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** What backends trust because the proxy says it, never the client. */
const spoken = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
  'x-forwarded-client-cert',
  'ssl-client-cert',
  'ssl-client-issuer-dn',
  'ssl-client-subject-dn',
  'ssl-client-verify',
];

const ownedInRequests: ReadonlySet<string> = new Set([...framing, ...spoken, 'expect', 'proxy']);
const ownedInResponses: ReadonlySet<string> = new Set([...framing, 'proxy', ...spoken]);

export type HeaderSide = 'request' | 'response';

/** What speaks against editing the header `name`; undefined when nothing does. `Host` may be set in requests. */
export function headerNameProblem(name: string, side: HeaderSide, edit: 'set' | 'add' | 'remove'): string | undefined {
  if (!isToken(name))
    return `Header name "${name}" is not valid: use letters, digits and any of !#$%&'*+-.^_\`|~, at least one`;
  // Some backends read `_` as `-`: the spelling must not open what the name is closed for.
  const lower = name.toLowerCase().replaceAll('_', '-');
  if (side === 'request' && lower === 'host') {
    if (edit === 'set' && !name.includes('_')) return undefined;
    return `Header "${name}" cannot be edited this way: a request has exactly one Host; set it, or use a rewrite of the hostname`;
  }
  if ((side === 'request' ? ownedInRequests : ownedInResponses).has(lower))
    return `Header "${name}" of a ${side} is written by the proxy itself: it cannot be edited`;
  return undefined;
}

/** What is wrong with a value; undefined when nothing is. What is not ASCII is sent as UTF-8. */
export function headerValueProblem(name: string, value: string): string | undefined {
  if (!value.isWellFormed()) return `Value of header "${name}" is not well-formed Unicode`;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127)
      return `Value ${JSON.stringify(value)} of header "${name}" has a control character: line breaks and NUL cannot be sent`;
  }
  return undefined;
}

export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** What speaks against a cookie of this name and path (RFC 6265, 4.1.1); undefined when nothing does. */
export function cookieProblem(name: string, path: string): string | undefined {
  if (!isToken(name)) return `Cookie name "${name}" is not valid: use letters, digits, "-" and "_"`;
  if (!/^\/[\x21-\x3a\x3c-\x7e]*$/.test(path))
    return `Path "${path}" of cookie "${name}" is not valid: begin with "/", and leave out ";", spaces and controls`;
  return undefined;
}
