// From the text of a file of rules to the rules, or to everything that is wrong with it, at once.
// Knows YAML and positions; the fields are rule-schema.ts.
import * as v from 'valibot';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { fieldPath } from '../../gateway/field-path.ts';
import { readRefusal } from '../../gateway/schema/refusal.ts';
import { locator, type ManifestProblem } from '../../manifests/document.ts';
import { yamlValue } from '../../manifests/yaml-value.ts';
import { Rule } from './rule.ts';
import { ruleFile } from './rule-schema.ts';

export interface Rules {
  readonly custom: readonly Rule[];
  readonly external: readonly Rule[];
}

/** `file` is what messages call it. */
export function readRules(text: string, file: string): Rules | { readonly problems: readonly ManifestProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines, uniqueKeys: true }) as Document;
  const resolved = yamlValue(document, file, lines);
  if ('problem' in resolved) return { problems: [resolved.problem] };
  const locate = locator(file, document, lines);
  const read = v.safeParse(ruleFile, resolved.value ?? {});
  if (!read.success) {
    const problems = read.issues.map((issue) => {
      const field = fieldPath((issue.path ?? []).map(({ key }) => key as string | number));
      return { position: locate(field), field, ...readRefusal(issue.message, field) };
    });
    return { problems };
  }
  const { rules = [], externalRules = [] } = read.output;
  if (rules.length + externalRules.length === 0) {
    return {
      problems: [
        {
          position: locate(''),
          message: 'The file has no rules: nothing would be measured',
          remedy: 'Write "rules:" or "externalRules:", as for prometheus-adapter',
        },
      ],
    };
  }
  return { custom: rules.map((one) => new Rule(one)), external: externalRules.map((one) => new Rule(one)) };
}
