// The API server with its store, wired for this installation: what `up` and `apiserver` have in common.
// Knows addresses and keys; what the API does is its own business.
import type { TolerationSeconds } from '#kube/apiserver/admission/default-tolerations.ts';
import type { OptionalPlugin } from '#kube/apiserver/admission/optional-plugins.ts';
import type { FileSinkOptions } from '#kube/apiserver/audit/file-sink.ts';
import type { AuditPolicy } from '#kube/apiserver/audit/policy.ts';
import type { Audit } from '#kube/apiserver/audit/trail.ts';
import type { AuthorizationMode } from '#kube/apiserver/authz/authorizer.ts';
import type { AllowsOrigin } from '#kube/apiserver/http/cross-origin.ts';
import type { MeasuredFigures } from '#kube/apiserver/metrics/measured.ts';
import type { ApiServer } from '#kube/apiserver/server.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { codeOf, messageOf, UsageFailure } from '../failure.ts';
import type { DataDir } from './data-dir.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import { type Network, NODE_PORT_RANGE, PUBLIC_ADDRESS } from './network.ts';
import type { Pki } from './pki.ts';
import { listenFailure } from './ports.ts';
import type { Shutdown } from './shutdown.ts';
import { openStoreFile } from './store-file.ts';

/** Who may do what in the API, and how much at once. */
export interface AccessSettings {
  readonly authorization: AuthorizationMode;
  readonly maxInFlight: number;
  readonly maxWatches: number;
  readonly maxConnections: number;
  /** How long a request may take, watches and streams left out, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Whose pages may read the API in a browser; undefined: nobody's. */
  readonly allowsOrigin: AllowsOrigin | undefined;
  /** From which on the store takes deletions only, in bytes; 0: its disk is the limit. */
  readonly storeQuotaBytes: number;
  readonly admissionPlugins: readonly OptionalPlugin[];
  readonly audit: AuditSettings | undefined;
}

/** Where what is asked is written down, and what of it. */
export interface AuditSettings extends Pick<FileSinkOptions, 'path' | 'maxBytes' | 'maxBackups'> {
  readonly policy: AuditPolicy;
}

interface ApiOptions {
  readonly data: DataDir;
  readonly pki: Pki;
  readonly port: number;
  readonly network: Network;
  /** Where nodes and pods reach it, when not on the loopback device; undefined: as the network has it. */
  readonly advertiseAddress?: string | undefined;
  readonly tolerationSeconds: TolerationSeconds;
  readonly access: AccessSettings;
  /** Authority of what kubelets serve with; not verified when undefined. */
  readonly kubeletCaPem: string | undefined;
  /** What autoscalers may ask for beside the use of CPU and memory. */
  readonly measured?: MeasuredFigures;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Opens the store, serves it, and writes the kubeconfig. Throws `Failure` when the port is taken. */
export async function startApi(options: ApiOptions, shutdown: Shutdown): Promise<ApiServer> {
  const { data, pki, port, network, log, clock } = options;
  const advertiseAddress = options.advertiseAddress ?? network.fabric?.machine[0];
  const [store, { startApiServer }] = await Promise.all([
    openStoreFile(data, options.access.storeQuotaBytes),
    import('#kube/apiserver/server.ts'),
  ]);
  shutdown.add('store', () => store.close());
  const audit = await openAudit(options);
  const caPem = pki.authority.certPem;
  try {
    const api = await startApiServer({
      store,
      address: PUBLIC_ADDRESS,
      port,
      tls: { ...pki.apiServer, clientCaPem: caPem },
      tokens: new Map([[pki.adminToken, { name: 'evenkeel-admin', groups: ['system:masters'] }]]),
      serviceAccounts: { keyPem: pki.serviceAccountKeyPem, rootCaPem: caPem },
      kubeletClient: {
        ...pki.kubeletClient,
        ...(options.kubeletCaPem === undefined ? {} : { caPem: options.kubeletCaPem }),
      },
      frontProxy: pki.frontProxy,
      serviceCidr: network.serviceCidr,
      nodePortRange: NODE_PORT_RANGE,
      tolerationSeconds: options.tolerationSeconds,
      authorization: options.access.authorization,
      maxInFlight: options.access.maxInFlight,
      maxWatches: options.access.maxWatches,
      maxConnections: options.access.maxConnections,
      requestTimeoutMs: options.access.requestTimeoutMs,
      ...(options.access.allowsOrigin === undefined ? {} : { allowsOrigin: options.access.allowsOrigin }),
      admissionPlugins: options.access.admissionPlugins,
      ...(audit === undefined ? {} : { audit }),
      // On the fabric nobody reaches a loopback address, on the loopback device there are no others.
      admitLoopback: network.fabric === undefined,
      ...(advertiseAddress === undefined ? {} : { advertiseAddress }),
      ...(options.measured === undefined ? {} : { measured: options.measured }),
      log: log.child({ part: 'apiserver' }),
      clock,
    });
    shutdown.add('api server', () => api.close());
    writeKubeconfig(data.kubeconfig, { server: api.url, caPem, client: pki.admin });
    return api;
  } catch (error) {
    if ((error as { syscall?: unknown }).syscall !== 'listen') throw error;
    if (options.advertiseAddress !== undefined && codeOf(error) === 'EADDRNOTAVAIL') {
      throw new UsageFailure(
        `--advertise-address ${options.advertiseAddress} is no address of this machine`,
        'Give one that "ip address" lists',
      );
    }
    throw listenFailure(error, port, PUBLIC_ADDRESS, '--api-port');
  }
}

async function openAudit({ access, clock, log }: ApiOptions): Promise<Audit | undefined> {
  if (access.audit === undefined) return undefined;
  const { policy, ...file } = access.audit;
  const { openFileSink } = await import('#kube/apiserver/audit/file-sink.ts');
  try {
    return { policy, sink: await openFileSink({ ...file, clock, log: log.child({ part: 'audit' }) }) };
  } catch (error) {
    throw new UsageFailure(
      `Cannot write the audit log "${file.path}": ${codeOf(error) ?? messageOf(error)}`,
      'Name a file that can be written with --audit-log-path',
    );
  }
}
