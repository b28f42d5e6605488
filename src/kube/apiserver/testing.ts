// A real API server for tests: memory store, its own authority, one admin token; nothing is mocked.
// Knows how to start one; what to test with it is the test's matter.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import type { Store } from '#kube/store/store.ts';
import { type Clock, systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import type { OptionalPlugin } from './admission/optional-plugins.ts';
import type { Audit } from './audit/trail.ts';
import type { AuthorizationMode } from './authz/authorizer.ts';
import type { TokenTable } from './http/authn.ts';
import type { AllowsOrigin } from './http/cross-origin.ts';
import type { MeasuredFigures } from './metrics/measured.ts';
import { type ApiServer, startApiServer } from './server.ts';
import { createSigningKey } from './service-accounts/jwt.ts';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Trust this to reach the server. */
  readonly caPem: string;
  /** A bearer token of group `system:masters`. */
  readonly adminToken: string;
  readonly store: Store;
  /** A client certificate of the server's authority, with CN `name` and the groups as O. */
  issueClient(name: string, groups: readonly string[]): Promise<{ certPem: string; keyPem: string }>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** What is measured beside the use of CPU and memory. */
  readonly measured?: MeasuredFigures;
  readonly store?: Store;
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly admitLoopback?: boolean;
  readonly serviceCidr?: string;
  readonly nodePortRange?: { readonly from: number; readonly to: number };
  readonly kubeletClient?: { certPem: string; keyPem: string; caPem: string };
  readonly maxUnreadBytes?: number;
  readonly requestTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly authorization?: AuthorizationMode;
  readonly audit?: Audit;
  readonly maxInFlight?: number;
  readonly maxWatches?: number;
  readonly allowsOrigin?: AllowsOrigin;
  readonly admissionPlugins?: readonly OptionalPlugin[];
  /** Besides the one of the administrator. */
  readonly tokens?: TokenTable;
  /** Leaves namespaces without the ConfigMap of the authority, for tests of ConfigMaps. */
  readonly withoutRootCa?: boolean;
  /** Default: any free port. */
  readonly port?: number;
}

const ADMIN_TOKEN = 'test-admin-token';
/** One for all servers of a test, so that one may follow another on the same store. */
const SIGNING_KEY = createSigningKey();
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const authority = await createTestAuthority();
  const serving = await authority.issue('CN=kube-apiserver', true);
  const store = options.store ?? createMemoryStore();
  const server: ApiServer = await startApiServer({
    store,
    address: '127.0.0.1',
    port: options.port ?? 0,
    tls: { ...serving, clientCaPem: authority.caPem },
    tokens: new Map([...(options.tokens ?? []), [ADMIN_TOKEN, { name: 'admin', groups: ['system:masters'] }]]),
    serviceAccounts: { keyPem: SIGNING_KEY, ...(options.withoutRootCa === true ? {} : { rootCaPem: authority.caPem }) },
    serviceCidr: options.serviceCidr ?? '127.96.0.0/16',
    nodePortRange: options.nodePortRange ?? { from: 30000, to: 32767 },
    admitLoopback: options.admitLoopback ?? true,
    log: options.log ?? silentLogger,
    clock: options.clock ?? systemClock,
    ...(options.allowsOrigin === undefined ? {} : { allowsOrigin: options.allowsOrigin }),
    ...(options.maxWatches === undefined ? {} : { maxWatches: options.maxWatches }),
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
    ...(options.admissionPlugins === undefined ? {} : { admissionPlugins: options.admissionPlugins }),
    ...(options.audit === undefined ? {} : { audit: options.audit }),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
    ...(options.maxUnreadBytes === undefined ? {} : { maxUnreadBytes: options.maxUnreadBytes }),
    ...(options.measured === undefined ? {} : { measured: options.measured }),
    ...(options.kubeletClient === undefined ? {} : { kubeletClient: options.kubeletClient }),
  });
  return {
    url: server.url,
    port: server.port,
    caPem: authority.caPem,
    adminToken: ADMIN_TOKEN,
    store,
    issueClient: (name, groups) =>
      authority.issue([`CN=${name}`, ...groups.map((group) => `O=${group}`)].join(', '), false),
    async close() {
      await server.close();
      if (options.store === undefined) await store.close();
    },
  };
}

export interface TestAuthority {
  readonly caPem: string;
  /** `dnsName` is one more name of a server. */
  issue(subject: string, forServer: boolean, dnsName?: string): Promise<{ certPem: string; keyPem: string }>;
}

/** An authority that lives as long as the test; its server certificates are for 127.0.0.1 and localhost. */
export async function createTestAuthority(): Promise<TestAuthority> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 24 * 3_600_000);
  const caKeys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-authority',
    notBefore,
    notAfter,
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    caPem: ca.toString('pem'),
    async issue(subject, forServer, dnsName) {
      const keys = await newKeys();
      const usage = forServer ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
      const certificate = await x509.X509CertificateGenerator.create({
        subject,
        issuer: ca.subject,
        notBefore,
        notAfter,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.ExtendedKeyUsageExtension([usage]),
          ...(forServer
            ? [
                new x509.SubjectAlternativeNameExtension([
                  { type: 'ip', value: '127.0.0.1' },
                  { type: 'dns', value: 'localhost' },
                  ...(dnsName === undefined ? [] : [{ type: 'dns' as const, value: dnsName }]),
                ]),
              ]
            : []),
        ],
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
      const lines = pkcs8.match(/.{1,64}/g)?.join('\n') ?? '';
      return {
        certPem: certificate.toString('pem'),
        keyPem: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}
