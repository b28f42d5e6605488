// What a label's key and value may look like, in Kubernetes' words.
// Knows nothing of selectors or objects.

const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const nameRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const prefixRule =
  "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with `key` as a qualified name (`example.com/app`); empty when nothing is. */
export function qualifiedNameMistakes(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) {
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  const mistakes: string[] = [];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') mistakes.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    if (prefix.length > 253) mistakes.push('prefix part must be no more than 253 bytes');
    if (!subdomain.test(prefix)) mistakes.push(prefixRule);
  }
  if (name === '') mistakes.push('name part must be non-empty');
  if (name.length > 63) mistakes.push('name part must be no more than 63 bytes');
  if (!namePart.test(name)) mistakes.push(nameRule);
  return mistakes;
}

/** What is wrong with `value` as a label's value; empty when nothing is. */
export function labelValueMistakes(value: string): string[] {
  const mistakes: string[] = [];
  if (value.length > 63) mistakes.push('must be no more than 63 bytes');
  if (value !== '' && !namePart.test(value)) mistakes.push(valueRule);
  return mistakes;
}
