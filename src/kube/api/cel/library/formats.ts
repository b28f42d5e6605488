// Kubernetes' named formats of text in CEL: `format.dns1123Label().validate(self.name)`.
// Knows the rules for names by the validation room. Source: k8s.io/apiserver/pkg/cel/library/format.go.
import { isOfFormat } from '../../custom/formats.ts';
import {
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  labelValueText,
  portName,
  qualifiedName,
} from '../../validation/names.ts';
import { define, type Overload } from '../signature.ts';
import { Opaque, Optional, type Value } from '../values.ts';

class Format extends Opaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly mistakes: (text: string) => readonly string[];
  constructor(name: string, mistakes: (text: string) => readonly string[]) {
    super();
    this.name = name;
    this.mistakes = mistakes;
  }
  equals(other: Value): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

/** A prefix may end in a dash: something follows. */
const prefixOf = (rule: (text: string) => string[]) => (text: string) =>
  rule(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const custom = (format: string, message: string) => (text: string) => (isOfFormat(format, text) ? [] : [message]);

const formats: Readonly<Record<string, Format>> = Object.fromEntries(
  Object.entries({
    dns1123Label: dnsLabel,
    dns1123Subdomain: dnsSubdomain,
    dns1035Label,
    qualifiedName,
    portName,
    dns1123LabelPrefix: prefixOf(dnsLabel),
    dns1123SubdomainPrefix: prefixOf(dnsSubdomain),
    dns1035LabelPrefix: prefixOf(dns1035Label),
    labelValue: labelValueText,
    uri: custom('uri', 'invalid URI for request'),
    uuid: custom('uuid', 'does not match the UUID format'),
    byte: custom('byte', 'invalid base64'),
    date: custom('date', 'invalid date'),
    datetime: custom('datetime', 'invalid datetime'),
  }).map(([name, rule]) => [name, new Format(name, rule)]),
);

/** Of the longest pattern there is among them. */
const REGEX_SIZE = 128;

export const formatLibrary: readonly Overload[] = [
  ...Object.entries(formats).flatMap(([name, format]) =>
    define(`@format.${name}() -> kubernetes.NamedFormat`, () => format),
  ),
  ...define(
    '@format.named(string) -> optional(kubernetes.NamedFormat)',
    (name: string) => new Optional(Object.hasOwn(formats, name) ? formats[name] : undefined),
  ),
  ...define(
    'kubernetes.NamedFormat.validate(string) -> optional(list(string))',
    (format: Format, text: string) => {
      const mistakes = format.mistakes(text);
      return new Optional(mistakes.length === 0 ? undefined : mistakes);
    },
    { cost: ([, text = 1]) => Math.ceil(text * 0.1) * Math.ceil(REGEX_SIZE * 0.25) },
  ),
];
