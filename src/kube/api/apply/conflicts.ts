// Conflicts of an apply as the failure that clients see, in upstream's words.
// Knows managers and paths only. Upstream source: apimachinery/pkg/util/managedfields/internal/conflict.go.
import { StatusError } from '../status.ts';
import type { Manager } from './managers.ts';
import type { Conflict } from './ownership.ts';
import { pathText } from './path-element.ts';

/** 409 Conflict with one cause for each field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const single = conflicts
    .map(({ manager, fields }) => ({ manager: managerText(manager), paths: [...fields.paths()].map(pathText) }))
    .sort((a, b) => (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0));
  const causes = single.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const [first] = causes;
  const text =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`
      : `Apply failed with ${causes.length} conflicts: ${single
          .map(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)].join('\n'))
          .join('\n')}`;
  return new StatusError(409, 'Conflict', text, { causes });
}

function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const who = JSON.stringify(name) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  if (operation === 'Apply') return who;
  return `${who} using ${apiVersion}`;
}
