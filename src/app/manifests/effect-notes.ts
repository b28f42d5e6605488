// Tells people which fields of their manifests the embedded cluster accepts and does nothing with.
// Knows verdicts through kube/api, and where a field stands in its file.
import { ineffectiveFields } from '#kube/api/support/ineffective.ts';
import type { ManifestObject } from './document.ts';

/** Beyond so many lines nobody reads on. */
const MOST = 20;

/** A line for each such field, `file:line:column: …`, of which the last says how many more there are. */
export function effectNotes(manifests: readonly ManifestObject[]): string[] {
  const notes = manifests.flatMap((manifest) =>
    ineffectiveFields(manifest.object).map(({ field, why }) => {
      const { file, line, column } = manifest.locate(field);
      const { kind, metadata } = manifest.object;
      return `${file}:${line}:${column}: ${kind} "${metadata.name}": "${field}" has no effect here: ${why}`;
    }),
  );
  const left = notes.length - MOST;
  return left <= 0
    ? notes
    : [...notes.slice(0, MOST), `${left} more fields have no effect: docs/kubernetes-coverage.md`];
}
