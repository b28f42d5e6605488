// The query and path parameters of requests, described in our own words.
// Data only; what they do is the server's matter.

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly about: string;
}

function query(name: string, type: Parameter['type'], about: string): Parameter {
  return { name, in: 'query', type, about };
}

const dryRun = query('dryRun', 'string', '`All` runs every stage of the request but stores nothing.');
const fieldManager = query('fieldManager', 'string', 'Name of the writer in managedFields; at most 128 characters.');
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What to do about unknown and duplicate fields: `Strict` refuses, `Warn` warns (the default), `Ignore` drops them.',
);
const resourceVersion = query('resourceVersion', 'string', 'Revision to read or to watch from.');

const list: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', 'A watch may send bookmarks that carry only a resourceVersion.'),
  query('continue', 'string', 'Token of the next page, from the answer that gave the last one.'),
  query('fieldSelector', 'string', 'Takes only objects whose fields match, e.g. `spec.nodeName=a`.'),
  query('labelSelector', 'string', 'Takes only objects whose labels match, e.g. `app=web,tier in (a,b)`.'),
  query('limit', 'integer', 'Most objects in one answer.'),
  resourceVersion,
  query('resourceVersionMatch', 'string', 'How `resourceVersion` is meant: `Exact` or `NotOlderThan`.'),
  query('sendInitialEvents', 'boolean', 'A watch starts with an event for each object there is, then a bookmark.'),
  query('timeoutSeconds', 'integer', 'Ends the request after so many seconds.'),
  query('watch', 'boolean', 'Streams changes instead of answering with a list.'),
];

const write: readonly Parameter[] = [dryRun, fieldManager, fieldValidation];

export const parameters = {
  list,
  write,
  patch: [...write, query('force', 'boolean', 'Apply only: takes over fields that other managers own.')],
  delete: [
    dryRun,
    query('gracePeriodSeconds', 'integer', 'Seconds the object has to end; 0 deletes it at once.'),
    query('orphanDependents', 'boolean', 'Former form of `propagationPolicy`.'),
    query('propagationPolicy', 'string', 'What happens to dependents: `Orphan`, `Background` or `Foreground`.'),
  ],
} as const satisfies Record<string, readonly Parameter[]>;

/** Parameters that every path with these placeholders has. */
export function pathParameters(path: string): Parameter[] {
  const found: Parameter[] = [];
  if (path.includes('{name}')) found.push({ name: 'name', in: 'path', type: 'string', about: 'Name of the object.' });
  if (path.includes('{namespace}')) {
    found.push({ name: 'namespace', in: 'path', type: 'string', about: 'Namespace of the object.' });
  }
  return found;
}
