// Descriptions of kinds and fields in our own words, for `kubectl explain` and for readers of the OpenAPI documents.
// Text only; nothing is decided by it.
import type { Words } from './make.ts';
import { metaWords } from './meta.ts';

const packages: Readonly<Record<string, Words>> = {
  'meta.v1': metaWords,
};

/** What every object has; said once here. */
const everywhere: Readonly<Record<string, string>> = {
  apiVersion: 'Group and version of the API that the object is written in, e.g. `apps/v1`.',
  kind: 'What the object is, e.g. `Deployment`.',
  metadata: 'Name, labels and what the server knows about the object.',
  spec: 'What is wanted.',
  status: 'What was last seen; written by controllers.',
};

/** Description of a definition (`core.v1.PodSpec`), or of one of its fields; undefined when there is none. */
export function describe(short: string, field?: string): string | undefined {
  const dot = short.lastIndexOf('.');
  const words = packages[short.slice(0, dot)]?.[short.slice(dot + 1)];
  if (field === undefined) return words?.about;
  return words?.[field] ?? everywhere[field];
}
