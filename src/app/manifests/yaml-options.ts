// How YAML is read where Kubernetes reads it: version 1.1 as its tools understand it.
// Knows no manifest; only which words are numbers, booleans or plain text.
import type { DocumentOptions, ParseOptions, SchemaOptions, Tags } from 'yaml';

/** Not resolved by Kubernetes' YAML reader, whatever YAML 1.1 says. */
const UNSUPPORTED_TAGS = new Set(
  ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`),
);

/**
 * `0644` is octal and `yes` is true, as kubectl reads them; `12:30` stays text, and so do dates
 * (go-yaml v2, which sigs.k8s.io/yaml builds on, leaves base-60 numbers out and keeps timestamps as strings).
 */
export const kubernetesYaml: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  customTags: (tags: Tags): Tags =>
    tags.filter((tag) => typeof tag === 'string' || !(UNSUPPORTED_TAGS.has(tag.tag) || tag.format === 'TIME')),
};
