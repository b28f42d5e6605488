// Rules for names, labels, keys and other short texts; each returns upstream's messages, none when the text is fine.
// Knows no kind and no field. Upstream source: k8s.io/apimachinery/pkg/util/validation and pkg/api/validation.

export { labelValueMistakes as labelValueText, qualifiedNameMistakes as qualifiedName } from '../label-names.ts';

/** Messages about a text; empty when it is valid. */
export type TextRule = (text: string) => string[];

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = String.raw`${label}(\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const configKey = '[-._a-zA-Z0-9]+';

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const expressions = {
  label: whole(label),
  subdomain: whole(subdomain),
  label1035: whole(label1035),
  wildcard: whole(String.raw`\*\.${subdomain}`),
  configKey: whole(configKey),
};

const atMost = (bytes: number): string => `must be no more than ${bytes} bytes`;

function explained(message: string, pattern: string, ...examples: readonly string[]): string {
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${list}regex used for validation is '${pattern}')`;
}

function rule(expression: RegExp, most: number, message: string): TextRule {
  return (text) => {
    const messages: string[] = [];
    if (byteLength(text) > most) messages.push(atMost(most));
    if (!expression.test(text)) messages.push(message);
    return messages;
  };
}

export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** RFC 1123 subdomain: most object names. */
export const dnsSubdomain = rule(
  expressions.subdomain,
  253,
  explained(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    subdomain,
    'example.com',
  ),
);

/** RFC 1123 label: namespaces, containers. */
export const dnsLabel = rule(
  expressions.label,
  63,
  explained(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    label,
    'my-name',
    '123-abc',
  ),
);

/** RFC 1035 label: Services, whose name becomes an environment variable. */
export const dns1035Label = rule(
  expressions.label1035,
  63,
  explained(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    label1035,
    'my-name',
    'abc-123',
  ),
);

export const wildcardSubdomain = rule(
  expressions.wildcard,
  253,
  explained(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    String.raw`\*\.${subdomain}`,
    '*.example.com',
  ),
);

export const configMapKey: TextRule = (text) => {
  const messages = rule(
    expressions.configKey,
    253,
    explained(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configKey,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  )(text);
  if (text === '.') messages.push("must not be '.'");
  else if (text === '..') messages.push("must not be '..'");
  else if (text.startsWith('..')) messages.push("must not start with '..'");
  return messages;
};

/** Any printable ASCII but `=`, which is what a process can be given. */
export const environmentVariable: TextRule = (text) => {
  if (text.length === 0) return ['environment variable name must not be empty'];
  if (/^[ -<>-~]+$/.test(text)) return [];
  return [
    explained(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
      '^[ -<>-~]+$',
    ).replace('(e.g. ', '('),
  ];
};

/** What may stand as one segment of a URL: names of RBAC objects, which may hold colons. */
export const pathSegment: TextRule = (text) => {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
};

/** Port names of pods (IANA service names). */
export const portName: TextRule = (text) => {
  const messages: string[] = [];
  if (text.length > 15) messages.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(text)) {
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(text)) messages.push('must contain at least one letter (a-z)');
  if (text.includes('--')) messages.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
};

/** A port number; the message is upstream's InclusiveRangeError. */
export function portNumber(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];
}
