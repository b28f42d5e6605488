// The certificates of one installation: made at the first start, kept below --data/pki, renewed before they end.
// Knows names and files; how a certificate is made is the authority's business.
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FRONT_PROXY_NAME } from '#kube/apiserver/aggregation/front-proxy-name.ts';
import { createSigningKey } from '#kube/apiserver/service-accounts/jwt.ts';
import {
  type Authority,
  type CertificateRequest,
  createAuthority,
  type KeyPair,
  loadAuthority,
  needsRenewal,
} from '#traffic/identity/authority.ts';
import { codeOf } from '../failure.ts';

export interface Pki {
  readonly authority: Authority;
  /** The API server's own. */
  readonly apiServer: KeyPair;
  /** How the API server shows itself to kubelets. */
  readonly kubeletClient: KeyPair;
  /** How the API server shows itself to servers behind it: by an authority of its own, which nobody is let in by. */
  readonly frontProxy: KeyPair & { readonly caPem: string };
  /** Of each node, by its name. */
  readonly nodes: ReadonlyMap<string, NodeKeys>;
  /** Of the controllers and of people: group system:masters. */
  readonly admin: KeyPair;
  /** Bearer token of the same rights, for tools without client certificates. */
  readonly adminToken: string;
  /** Signs the tokens of service accounts: they outlive a restart. */
  readonly serviceAccountKeyPem: string;
}

export interface NodeKeys {
  /** By which its kubelet is known to those who ask it. */
  readonly serving: KeyPair;
  /** Where that is kept: one file with key and certificate. */
  readonly servingFile: string;
  /** By which it is known to the API server: system:node:NAME of the group system:nodes. */
  readonly client: KeyPair;
}

export interface PkiNames {
  /** Addresses that clients reach the API server at, besides 127.0.0.1. */
  readonly apiAddresses: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

/** Reads what is there, and makes what is missing, near its end, or does not fit `names`. */
export async function openPki(dir: string, names: PkiNames, now: number): Promise<Pki> {
  const [authority, frontAuthority] = await Promise.all([
    openAuthority(dir, 'ca', 'Evenkeel local authority'),
    openAuthority(dir, 'front-proxy-ca', 'Evenkeel front proxy authority'),
  ]);
  const issue = (name: string, request: CertificateRequest): Promise<KeyPair> =>
    openLeaf(dir, name, authority, request, now);
  const [apiServer, kubeletClient, admin] = await Promise.all([
    issue('apiserver', {
      commonName: 'kube-apiserver',
      dnsNames: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
      ],
      ips: [...new Set(['127.0.0.1', '::1', ...names.apiAddresses])],
    }),
    issue('apiserver-kubelet-client', {
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      client: true,
    }),
    issue('admin', { commonName: 'evenkeel-admin', organizations: ['system:masters'], client: true }),
  ]);
  const request = { commonName: FRONT_PROXY_NAME, client: true };
  const front = await openLeaf(dir, 'front-proxy-client', frontAuthority, request, now);
  const nodes = new Map<string, NodeKeys>();
  await Promise.all(
    names.nodes.map(async ({ name, addresses }) => {
      const identity = { commonName: `system:node:${name}`, organizations: ['system:nodes'] };
      const [serving, client] = await Promise.all([
        issue(`kubelet-${name}`, { ...identity, dnsNames: [name], ips: addresses }),
        issue(`kubelet-${name}-client`, { ...identity, client: true }),
      ]);
      nodes.set(name, { serving, servingFile: join(dir, `kubelet-${name}.pem`), client });
    }),
  );
  const adminToken = openSecret(dir, 'admin.token', () => `${randomBytes(32).toString('base64url')}\n`).trim();
  const serviceAccountKeyPem = openSecret(dir, 'service-accounts.key', createSigningKey);
  const frontProxy = { ...front, caPem: frontAuthority.certPem };
  return { authority, apiServer, kubeletClient, frontProxy, admin, nodes, adminToken, serviceAccountKeyPem };
}

async function openAuthority(dir: string, name: string, commonName: string): Promise<Authority> {
  const pair = readPair(dir, name);
  if (pair !== undefined) return loadAuthority(pair);
  const authority = await createAuthority({ commonName });
  writePair(dir, name, authority);
  // Alone as well: what curl and browsers are given to trust.
  writeWhole(join(dir, `${name}.crt`), authority.certPem);
  return authority;
}

async function openLeaf(
  dir: string,
  name: string,
  authority: Authority,
  request: CertificateRequest,
  now: number,
): Promise<KeyPair> {
  const pair = readPair(dir, name);
  if (pair !== undefined && !needsRenewal(pair.certPem, authority, request, now)) return pair;
  const made = await authority.issue(request);
  writePair(dir, name, made);
  return made;
}

function openSecret(dir: string, name: string, make: () => string): string {
  const path = join(dir, name);
  const kept = readIfThere(path);
  if (kept !== undefined && kept.trim() !== '') return kept;
  const made = make();
  writeWhole(path, made);
  return made;
}

/** Key and certificate share a file: half a pair cannot be, whenever a write is cut short. */
function readPair(dir: string, name: string): KeyPair | undefined {
  const text = readIfThere(join(dir, `${name}.pem`)) ?? '';
  const keyPem = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n/.exec(text)?.[0];
  const certPem = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
  return certPem === undefined || keyPem === undefined ? undefined : { certPem, keyPem };
}

function writePair(dir: string, name: string, pair: KeyPair): void {
  writeWhole(join(dir, `${name}.pem`), pair.keyPem + pair.certPem);
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
