// `evenkeel get`: shows objects of a running cluster, in the columns that the server chooses.
// Knows options and printing; kinds and columns come from the server.
import { Command, Option } from 'commander';
import type { KubeList, KubeObject } from '#kube/api/object.ts';
import type { Client } from '#kube/client/client.ts';
import { Failure } from '../../failure.ts';
import { createMapper, type ServedResource } from '../../manifests/mapper.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { formatTable } from '../table.ts';

interface Options extends ConnectOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly selector?: string;
  readonly output?: 'wide' | 'json' | 'yaml' | 'name';
}

/** `meta.k8s.io/v1 Table`, as far as printing needs it. */
interface Table {
  readonly kind: 'Table';
  readonly columnDefinitions: ReadonlyArray<{ readonly name: string; readonly priority: number }>;
  readonly rows: ReadonlyArray<{ readonly cells: readonly unknown[]; readonly object?: KubeObject }>;
}

const TABLE_TYPE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export function getCommand(): Command {
  return new Command('get')
    .summary('show objects of a running cluster')
    .description(
      'Shows objects of a running cluster. Kinds go by any name kubectl knows: pods, pod, po, deployments.apps, all.',
    )
    .argument('<kind>', 'kind, or kind/name; several kinds with commas')
    .argument('[name...]', 'only these')
    .option('-n, --namespace <name>', 'namespace to look in')
    .option('-A, --all-namespaces', 'look in every namespace', false)
    .option('-l, --selector <labels>', 'only objects with these labels, e.g. app.kubernetes.io/name=cart')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['wide', 'json', 'yaml', 'name']))
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--kubeconfig <file>', 'another cluster')
    .option('--context <name>', 'context of that kubeconfig')
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel get pods -A -o wide
  $ evenkeel get deployment/storefront -n shop -o yaml
  $ evenkeel get all -n shop`,
    )
    .action(async (kinds: string, names: string[], options: Options) => {
      const connection = await connect(options);
      try {
        await get(kinds, names, connection.client, {
          ...options,
          namespace: options.namespace ?? connection.namespace,
        });
      } finally {
        await connection.client.close();
      }
    });
}

async function get(
  kinds: string,
  names: readonly string[],
  client: Client,
  options: Options & { namespace: string },
): Promise<void> {
  const mapper = createMapper(client);
  const wanted: Array<{ resource: ServedResource; names: readonly string[] }> = [];
  for (const kind of kinds.split(',')) {
    const [word = '', single] = kind.split('/');
    const resources = (await mapper.byName(word)).filter(({ verbs }) => verbs.includes('list'));
    if (resources.length === 0) {
      throw new Failure(`The server serves no resource "${word}"`, 'See "kubectl api-resources" for what there is');
    }
    for (const resource of resources)
      wanted.push({ resource, names: single === undefined ? names : [single, ...names] });
  }
  const paths = wanted.flatMap(({ resource, names }) =>
    pathsOf(resource, names, options).map((path) => ({ resource, path })),
  );
  if (options.output === 'json' || options.output === 'yaml' || options.output === 'name') {
    const found = await Promise.all(paths.map(({ path, resource }) => fetchObjects(client, path, resource)));
    return printObjects(
      found.flatMap((objects, index) => objects.map((object) => ({ object, resource: paths[index]?.resource }))),
      paths,
      options.output,
    );
  }
  const tables = await Promise.all(
    paths.map(({ path }) => client.raw('GET', path, undefined, { accept: TABLE_TYPE }) as Promise<Table>),
  );
  printTables(
    tables,
    wanted.map(({ resource }) => resource),
    paths.map(({ resource }) => resource),
    options,
  );
}

function pathsOf(
  resource: ServedResource,
  names: readonly string[],
  options: Options & { namespace: string },
): string[] {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && !(options.allNamespaces && names.length === 0) ? `/namespaces/${options.namespace}` : '';
  const collection = `${root}${scope}/${resource.resource}`;
  if (names.length > 0) return names.map((name) => `${collection}/${encodeURIComponent(name)}`);
  return [
    options.selector === undefined ? collection : `${collection}?labelSelector=${encodeURIComponent(options.selector)}`,
  ];
}

async function fetchObjects(client: Client, path: string, resource: ServedResource): Promise<KubeObject[]> {
  const answer = (await client.raw('GET', path)) as KubeObject | KubeList;
  if (!('items' in answer)) return [answer];
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return answer.items.map((item) => ({ apiVersion, kind: resource.kind, ...item }));
}

async function printObjects(
  found: ReadonlyArray<{ object: KubeObject; resource: ServedResource | undefined }>,
  asked: readonly unknown[],
  output: 'json' | 'yaml' | 'name',
): Promise<void> {
  if (output === 'name') {
    for (const { object, resource } of found) {
      const group = resource === undefined || resource.group === '' ? '' : `.${resource.group}`;
      process.stdout.write(`${resource?.singular ?? ''}${group}/${object.metadata?.name ?? ''}\n`);
    }
    return;
  }
  const objects = found.map(({ object }) => object);
  const [first] = objects;
  const single = asked.length === 1 && objects.length === 1 && first !== undefined;
  const value = single ? first : { apiVersion: 'v1', kind: 'List', items: objects };
  if (output === 'json') process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else process.stdout.write((await import('yaml')).stringify(value, { version: '1.1' }));
}

/** Rows of one resource stand in one table; with several resources every name says of what kind it is, as kubectl does. */
function printTables(
  tables: readonly Table[],
  resources: readonly ServedResource[],
  resourceOf: readonly ServedResource[],
  options: Options & { namespace: string },
): void {
  let printed = 0;
  for (const resource of resources) {
    const own = tables.filter((_, index) => resourceOf[index] === resource);
    const columns = own[0]?.columnDefinitions ?? [];
    const shown = columns.flatMap((column, index) =>
      column.priority === 0 || options.output === 'wide' ? [index] : [],
    );
    const withNamespace = options.allNamespaces && resource.namespaced;
    const prefix =
      resources.length > 1 ? `${resource.singular}${resource.group === '' ? '' : `.${resource.group}`}/` : '';
    const rows = own.flatMap((table) =>
      table.rows.map(({ cells, object }) => [
        ...(withNamespace ? [object?.metadata?.namespace ?? ''] : []),
        ...shown.map((index) => `${index === 0 ? prefix : ''}${String(cells[index] ?? '')}`),
      ]),
    );
    if (rows.length === 0) continue;
    const header = [
      ...(withNamespace ? ['NAMESPACE'] : []),
      ...shown.map((index) => (columns[index]?.name ?? '').toUpperCase()),
    ];
    process.stdout.write(`${printed > 0 ? '\n' : ''}${formatTable(header, rows)}`);
    printed++;
  }
  if (printed > 0) return;
  const where =
    options.allNamespaces || resources.every(({ namespaced }) => !namespaced)
      ? ''
      : ` in ${options.namespace} namespace`;
  process.stderr.write(`No resources found${where}.\n`);
}
