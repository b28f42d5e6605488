// What backends are told of a client's certificate: `X-Forwarded-Client-Cert`, in Envoy's form.
// Knows nothing of how the certificate was checked.

import type { X509Certificate } from 'node:crypto';

/** Alternative names passed on; a certificate with more is cut, so that no header grows without bound. */
const MAX_NAMES = 16;

/** The header line, with its end. Text beyond ASCII is spelled in UTF-8 bytes. */
export function forwardedCertificate(
  certificate: Pick<X509Certificate, 'fingerprint256' | 'subject' | 'subjectAltName'>,
): string {
  const names = alternativeNames(certificate.subjectAltName ?? '').slice(0, MAX_NAMES);
  const fields = [
    `Hash=${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    `Subject="${distinguishedName(certificate.subject)}"`,
    ...names.filter(({ kind }) => kind === 'URI').map(({ value }) => `URI=${field(value)}`),
    ...names.filter(({ kind }) => kind === 'DNS').map(({ value }) => `DNS=${field(value)}`),
  ];
  const line = `X-Forwarded-Client-Cert: ${fields.join(';')}`;
  return `${Buffer.from(line).toString('latin1').replace(CONTROL, ' ')}\r\n`;
}

/**
 * Node.js gives a line a name, general first; RFC 2253 wants them with commas, the special one first. Quotes and
 * backslashes are escaped in it as they have to be within quotes.
 */
function distinguishedName(subject: string | undefined): string {
  return (subject ?? '').split('\n').reverse().join(',');
}

interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

/** Of `DNS:a.test, URI:spiffe://x/y`; a value that could be mistaken for a list stands in JSON quotes. */
export function alternativeNames(text: string): readonly AlternativeName[] {
  const names: AlternativeName[] = [];
  for (const match of text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    const value = match[2] as string;
    names.push({ kind: match[1] as string, value: value.startsWith('"') ? unquoted(value) : value });
  }
  return names;
}

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    // Unreadable is better left out than passed on half understood.
    return '';
  }
}

/** Values with a separator of the header are quoted. */
function field(value: string): string {
  return /[,;="\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a header.
const CONTROL = /[\x00-\x1f\x7f]/g;
