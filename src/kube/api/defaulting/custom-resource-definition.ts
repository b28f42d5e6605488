// Defaults of CustomResourceDefinition itself; defaults inside custom resources come from their schema.
// Upstream source of the rules: apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { fill, fillZero } from './fill.ts';

const webhookPort = 443;

export function customResourceDefinitionDefaults(definition: CustomResourceDefinition): void {
  const { spec } = definition;
  if (spec === undefined) return;
  fillZero(spec, { scope: 'Namespaced' });
  fill(spec, { conversion: { strategy: 'None' } });
  const service = spec.conversion?.webhook?.clientConfig?.service;
  if (service !== undefined) fill(service, { port: webhookPort });
  const { names } = spec;
  if (!names?.kind) return;
  fillZero(names, { singular: names.kind.toLowerCase(), listKind: `${names.kind}List` });
}
