// Reads a kubeconfig file into what the client needs: address, trust and identity.
// Knows nothing of requests; it only reads files, and names file and field when something is wrong.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';

export interface ClientConfig {
  /** Base URL, e.g. `https://127.0.0.1:6443`; a path prefix is kept. */
  readonly server: string;
  readonly caPem?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Name to verify the server's certificate against when it is not the host of `server`. */
  readonly tlsServerName?: string;
  readonly token?: string;
  readonly clientCertPem?: string;
  readonly clientKeyPem?: string;
  /** Namespace of the context; callers use it for objects that name none. */
  readonly namespace?: string;
  readonly userAgent?: string;
}

/** Where Kubernetes puts a pod's own; a plain process of an embedded cluster is told another place. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

type Fields = Readonly<Record<string, unknown>>;

/** A kubeconfig that cannot be used; the message names the file and, where it is about one, the field. */
export class KubeconfigError extends Error {
  constructor(file: string, field: string | undefined, problem: string) {
    super(`Kubeconfig "${file}"${field === undefined ? '' : `: ${field}`} ${problem}`);
    this.name = 'KubeconfigError';
  }
}

/**
 * Loads a context: from `path`, else from `$KUBECONFIG` (several files are merged, the first to name a thing wins),
 * else from `~/.kube/config`, else from the service account of the pod we run in. Throws `KubeconfigError`.
 */
export function loadKubeconfig(path?: string, context?: string): ClientConfig {
  if (path !== undefined) return fromFiles([path], context);
  const fromEnv = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  const existing = fromEnv.filter((file) => existsSync(file));
  if (existing.length > 0) return fromFiles(existing, context);
  const home = join(homedir(), '.kube', 'config');
  if (fromEnv.length === 0 && existsSync(home)) return fromFiles([home], context);
  const inCluster = inClusterConfig();
  if (inCluster !== undefined && context === undefined) return inCluster;
  throw new KubeconfigError(fromEnv[0] ?? home, undefined, 'does not exist');
}

/** The pod's own service account, when this process runs in a pod of a cluster. */
export function inClusterConfig(
  env: NodeJS.ProcessEnv = process.env,
  folder = env.EVENKEEL_SERVICE_ACCOUNT ?? SERVICE_ACCOUNT,
): ClientConfig | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const tokenFile = join(folder, 'token');
  if (host === undefined || host === '' || !existsSync(tokenFile)) return undefined;
  const namespaceFile = join(folder, 'namespace');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
    caPem: readFileSync(join(folder, 'ca.crt'), 'utf8'),
    token: readFileSync(tokenFile, 'utf8').trim(),
    ...(existsSync(namespaceFile) ? { namespace: readFileSync(namespaceFile, 'utf8').trim() } : {}),
  };
}

interface Loaded {
  readonly file: string;
  readonly content: Fields;
}

function fromFiles(files: readonly string[], context: string | undefined): ClientConfig {
  const loaded = files.map((file) => load(resolve(file)));
  const first = loaded[0]?.file ?? '';
  const current = loaded.map(({ content }) => content['current-context']).find((name) => text(name) !== undefined);
  const contextName = context ?? text(current);
  if (contextName === undefined) throw new KubeconfigError(first, 'current-context', 'is not set; name a context');

  const chosen = entry(loaded, 'contexts', 'context', contextName, first);
  const clusterName = need(chosen, 'cluster');
  const cluster = entry(loaded, 'clusters', 'cluster', clusterName, chosen.file);
  const server = need(cluster, 'server');
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new KubeconfigError(cluster.file, `${cluster.at}.server`, `"${server}" is not an http or https URL`);
  }
  const caPem = dataOrFile(cluster, 'certificate-authority');
  const namespace = text(chosen.fields.namespace);
  const tlsServerName = text(cluster.fields['tls-server-name']);
  return {
    server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(cluster.fields['insecure-skip-tls-verify'] === true ? { insecureSkipTlsVerify: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(text(chosen.fields.user) === undefined
      ? {}
      : identity(entry(loaded, 'users', 'user', need(chosen, 'user'), chosen.file))),
  };
}

function load(file: string): Loaded {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KubeconfigError(file, undefined, `cannot be read: ${reasonOf(error)}`);
  }
  let content: unknown;
  try {
    content = parse(source);
  } catch (error) {
    throw new KubeconfigError(file, undefined, `is not valid YAML${yamlFault(error)}`);
  }
  if (!isFields(content)) throw new KubeconfigError(file, undefined, 'is empty or not a mapping');
  return { file, content };
}

/** Where and why, on one line: what the parser shows of the file is left out. */
function yamlFault(error: unknown): string {
  const { message, linePos } = error as { message: string; linePos?: readonly { line: number; col: number }[] };
  const [at] = linePos ?? [];
  const why = message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
  return at === undefined ? `: ${why}` : ` at line ${at.line}, column ${at.col}: ${why}`;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const reasons: Readonly<Record<string, string>> = {
    EISDIR: 'it is a directory',
    EACCES: 'this user may not read it (EACCES)',
    ENOENT: 'it is not there (ENOENT)',
  };
  return reasons[code ?? ''] ?? message;
}

interface Entry {
  readonly file: string;
  /** Where it stands, for messages: `users["admin"].user`. */
  readonly at: string;
  readonly fields: Fields;
}

function entry(loaded: readonly Loaded[], list: string, field: string, name: string, usedBy: string): Entry {
  for (const { file, content } of loaded) {
    const all = content[list];
    if (all === undefined || all === null) continue;
    if (!Array.isArray(all)) throw new KubeconfigError(file, list, 'must be a list');
    const found: unknown = all.find((item: unknown) => isFields(item) && item.name === name);
    if (!isFields(found)) continue;
    const fields = found[field];
    return { file, at: `${list}["${name}"].${field}`, fields: isFields(fields) ? fields : {} };
  }
  const known = loaded.flatMap(({ content }) => (Array.isArray(content[list]) ? content[list] : []));
  const names = known.flatMap((item: unknown) => (isFields(item) ? (text(item.name) ?? []) : []));
  const those = names.length === 0 ? 'it has none' : `there are ${names.join(', ')}`;
  throw new KubeconfigError(usedBy, list, `has no entry named "${name}"; ${those}`);
}

function identity(user: Entry): Pick<ClientConfig, 'token' | 'clientCertPem' | 'clientKeyPem'> {
  for (const unsupported of ['exec', 'auth-provider', 'username']) {
    if (user.fields[unsupported] !== undefined) {
      throw new KubeconfigError(
        user.file,
        `${user.at}.${unsupported}`,
        'is not supported; use a token or a client certificate',
      );
    }
  }
  const tokenFile = text(user.fields.tokenFile);
  // As in client-go, a token in the file itself gives way to tokenFile.
  const token = tokenFile === undefined ? text(user.fields.token) : readRef(user, 'tokenFile', tokenFile).trim();
  const clientCertPem = dataOrFile(user, 'client-certificate');
  const clientKeyPem = dataOrFile(user, 'client-key');
  if ((clientCertPem === undefined) !== (clientKeyPem === undefined)) {
    const missing = clientCertPem === undefined ? 'client-certificate' : 'client-key';
    throw new KubeconfigError(user.file, `${user.at}.${missing}`, 'is missing; certificate and key go together');
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...(clientCertPem === undefined ? {} : { clientCertPem }),
    ...(clientKeyPem === undefined ? {} : { clientKeyPem }),
  };
}

/** `<name>-data` (base64) wins over `<name>` (a path, relative to the kubeconfig). */
function dataOrFile(of: Entry, name: string): string | undefined {
  const data = text(of.fields[`${name}-data`]);
  if (data !== undefined) {
    const decoded = Buffer.from(data, 'base64').toString('utf8');
    if (!decoded.includes('-----BEGIN')) {
      throw new KubeconfigError(of.file, `${of.at}.${name}-data`, 'is not base64 of a PEM block');
    }
    return decoded;
  }
  const path = text(of.fields[name]);
  return path === undefined ? undefined : readRef(of, name, path);
}

function readRef(of: Entry, name: string, path: string): string {
  try {
    return readFileSync(resolve(dirname(of.file), path), 'utf8');
  } catch (error) {
    throw new KubeconfigError(of.file, `${of.at}.${name}`, `"${path}" cannot be read: ${reasonOf(error)}`);
  }
}

function need(of: Entry, name: string): string {
  const value = text(of.fields[name]);
  if (value === undefined) throw new KubeconfigError(of.file, `${of.at}.${name}`, 'is missing');
  return value;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
