// The API server: puts its parts together in one order, and takes them apart in the other.
// Knows the parts by their doors only.
import type { Store } from '#kube/store/store.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { defaultTolerationSeconds, type TolerationSeconds } from './admission/default-tolerations.ts';
import type { OptionalPlugin } from './admission/optional-plugins.ts';
import { Aggregator } from './aggregation/aggregator.ts';
import { apiServices } from './aggregation/api-service.ts';
import { followLocalServices } from './aggregation/local-services.ts';
import { publishTrust } from './aggregation/published-trust.ts';
import type { Audit } from './audit/trail.ts';
import { aggregateRoles, followRoles } from './authz/aggregate.ts';
import { type AuthorizationMode, allowAll, exceptMasters } from './authz/authorizer.ts';
import { NodeGraph } from './authz/node-graph.ts';
import { restrictNodes } from './authz/nodes.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { reconcilePolicy } from './authz/reconcile.ts';
import { bootstrap, followNamespaces } from './bootstrap.ts';
import type { FrontProxyKeys, KubeletCredentials, ServerContext } from './context.ts';
import { serveCustomResources } from './crd/serve.ts';
import { FlowControl } from './flow/control.ts';
import { followFlows, reconcileFlows } from './flow/reconcile.ts';
import { TokenAuthenticator, type TokenTable } from './http/authn.ts';
import type { AllowsOrigin } from './http/cross-origin.ts';
import { dispatch } from './http/dispatch.ts';
import { ListBytes } from './http/list-bytes.ts';
import { type ApiListener, listen } from './http/listener.ts';
import { QuotaLedger } from './limits/quota-ledger.ts';
import { QuotaStatus } from './limits/quota-status.ts';
import { WatchLimit, type WatchLimits } from './limits/watch-limit.ts';
import { startMaintenance } from './maintenance.ts';
import type { MeasuredFigures } from './metrics/measured.ts';
import { kindIn } from './metrics/own-home.ts';
import { RequestMetrics } from './metrics/request-metrics.ts';
import { servedMetrics } from './metrics/served-metrics.ts';
import { Registry } from './registry/registry.ts';
import { ServiceAccountTokens } from './service-accounts/tokens.ts';
import { followAddresses } from './service-addresses.ts';
import { followServices } from './strategies/service/allocations.ts';

export interface ApiServerOptions {
  /** Stays the caller's: it is not closed with the server. */
  readonly store: Store;
  readonly address: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Where Pods and nodes reach it, on the same port, when `address` is not for them; listened on as well. */
  readonly advertiseAddress?: string;
  readonly tls: { readonly certPem: string; readonly keyPem: string; readonly clientCaPem: string };
  /** Static bearer tokens. */
  readonly tokens: TokenTable;
  /**
   * `keyPem` signs the tokens of service accounts: a private key on P-256 (PKCS #8), the same at every start.
   * `rootCaPem` is what pods are given to trust, the authority of `tls` as a rule; left out where somebody else puts it
   * into every namespace, as upstream's controllers do.
   */
  readonly serviceAccounts: { readonly keyPem: string; readonly rootCaPem?: string };
  /** Default `RBAC`: what roles grant; `AlwaysAllow` lets everybody do everything. */
  readonly authorization?: AuthorizationMode;
  /** Where what is asked is written down; its sink is closed with the server. */
  readonly audit?: Audit;
  /** What autoscalers may ask for by custom.metrics.k8s.io and external.metrics.k8s.io; not served when left out. */
  readonly measured?: MeasuredFigures;
  /**
   * How many requests may be under way at once, divided among the priority levels; those of `system:masters` and watches
   * do not count. Default 240.
   */
  readonly maxInFlight?: number;
  /** How servers of APIServices know it; without it they are told of nothing, and see an unknown client. */
  readonly frontProxy?: FrontProxyKeys;
  /**
   * How many watches may stand at once; of one user not more than half, `system:masters` left out. Default 20,000.
   */
  readonly maxWatches?: number;
  /** Whose pages may read answers in a browser; default: nobody's but those of this server's own origin. */
  readonly allowsOrigin?: AllowsOrigin;
  /** How it reaches a node's kubelet for logs. */
  readonly kubeletClient?: KubeletCredentials;
  /** One range, or one of each family, e.g. `10.96.0.0/16`; the first address is the `kubernetes` Service's. */
  readonly serviceCidr: string;
  /** Both ends included. */
  readonly nodePortRange: { readonly from: number; readonly to: number };
  /** Endpoints may have loopback addresses: for clusters whose Pods live on 127/8. */
  readonly admitLoopback: boolean;
  /** How long pods stay on a node that is ill, unless they say it themselves; default 300 s, as upstream. */
  readonly tolerationSeconds?: TolerationSeconds;
  /** Default: none. */
  readonly admissionPlugins?: readonly OptionalPlugin[];
  readonly log: Logger;
  readonly clock: Clock;
  /**
   * What may wait for one slow reader of a watch, in bytes, before it is cut off; it can resume from its last event.
   * Default 64 MiB: a burst must not cost a prompt reader its watch, and watchers share the bytes of an event.
   */
  readonly maxUnreadBytes?: number;
  /**
   * How long a request may take, its answer's way to the client included; watches, logs and streams last as long as the
   * client likes. Default a minute, as upstream.
   */
  readonly requestTimeoutMs?: number;
  /** Connections at once; further ones are closed as they come. Default 50,000. */
  readonly maxConnections?: number;
  /** In [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  /** Ends watches and finishes requests in flight, within a second. */
  close(): Promise<void>;
}

/** What requests in flight are given to finish. */
const CLOSE_GRACE_MS = 500;
/** Fewer than upstream's 600: they share one thread, and whoever comes next waits for them all. */
const MAX_IN_FLIGHT = 240;
const MAX_WATCHES = 20_000;
const watchLimitsOf = (all: number): WatchLimits => ({ all, ofOne: Math.ceil(all / 2) });
const REQUEST_TIMEOUT_MS = 60_000;
/** More than the watches there may be, each on one of its own. */
const MAX_CONNECTIONS = 50_000;
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** Resolves when the server answers and the first objects are there. Rejects when the address cannot be bound. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log } = options;
  const random = options.random ?? Math.random;
  const closing = new AbortController();
  const registry = new Registry(store, log, (all) =>
    servedMetrics({ measured: options.measured, objectKind: (resource) => kindIn(all, resource) }),
  );
  const registered = apiServices();
  registry.addCustom(registered.definition, registered.strategy, registered.custom);
  const aggregator = new Aggregator(registry);
  // Allocations are known before the first write can ask for one.
  const collectionOf = (group: string, resource: string) => registry.builtin(group, 'v1', resource).collection;
  const services = followServices(
    {
      services: collectionOf('', 'services'),
      ranges: collectionOf('networking.k8s.io', 'servicecidrs'),
      addresses: collectionOf('networking.k8s.io', 'ipaddresses'),
    },
    options.serviceCidr,
    options.nodePortRange,
    random,
  );
  const serviceAccounts = new ServiceAccountTokens(options.serviceAccounts.keyPem, registry);
  const quotaStatus = new QuotaStatus();
  const roles = options.authorization === 'AlwaysAllow' ? undefined : new RbacAuthorizer(registry);
  const graph = new NodeGraph(registry);
  const server: ServerContext = {
    store,
    registry,
    services,
    serviceAccounts,
    tokens: new TokenAuthenticator(options.tokens, serviceAccounts, clock),
    flows: new FlowControl(registry, options.maxInFlight ?? MAX_IN_FLIGHT),
    quotas: new QuotaLedger(registry, (account) => quotaStatus.note(account)),
    audit: options.audit,
    authorizer: roles === undefined ? allowAll : exceptMasters(restrictNodes(roles, registry, graph)),
    roles,
    rootCaPem: options.serviceAccounts.rootCaPem,
    clock,
    log,
    random,
    admitLoopback: options.admitLoopback,
    tolerationSeconds: options.tolerationSeconds ?? defaultTolerationSeconds,
    admissionPlugins: new Set(options.admissionPlugins),
    maxUnreadBytes: options.maxUnreadBytes ?? MAX_UNREAD_BYTES,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    kubeletClient: options.kubeletClient,
    measured: options.measured,
    metrics: new RequestMetrics(clock),
    listBytes: new ListBytes(),
    allowsOrigin: options.allowsOrigin,
    aggregator,
    frontProxy: options.frontProxy,
    watches: new WatchLimit(watchLimitsOf(options.maxWatches ?? MAX_WATCHES)),
    closing: closing.signal,
  };
  const ready = Promise.withResolvers<void>();
  const stopServing = serveCustomResources(server);
  const listeners: ApiListener[] = [];
  const listenOn = async (address: string, port: number): Promise<number> => {
    const listener = await listen({
      address,
      port,
      tls: options.tls,
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
      log,
      // Nobody sees the server before its first objects are there.
      handle: (request, response, upgrade) =>
        void ready.promise.then(() => dispatch(server, request, response, upgrade)),
    });
    listeners.push(listener);
    return listener.port;
  };
  const closeListeners = (graceMs: number): Promise<unknown> =>
    Promise.all(listeners.map((listener) => listener.close(graceMs)));
  const { advertiseAddress } = options;
  let port: number;
  try {
    port = await listenOn(options.address, options.port);
    if (advertiseAddress !== undefined) await listenOn(advertiseAddress, port);
    // The port is known only now, and the first objects name it.
    await bootstrap(server, advertiseAddress ?? options.address, port);
    if (options.frontProxy !== undefined) await publishTrust(server, options.frontProxy, options.tls.clientCaPem);
    await reconcilePolicy(server);
    await aggregateRoles(server);
    await reconcileFlows(server);
  } catch (error) {
    await closeListeners(0);
    registry.close();
    throw error;
  }
  ready.resolve();
  const stopFollowing = followNamespaces(server);
  const stopAggregating = followRoles(server);
  const stopMending = followFlows(server);
  const stopForwarding = aggregator.follow(server);
  const stopRegistering = followLocalServices(server);
  quotaStatus.start(server);
  const addresses = followAddresses(server);
  const stopMaintenance = startMaintenance(server);
  return {
    url: `https://${options.address}:${port}`,
    port,
    async close() {
      stopMaintenance();
      stopFollowing();
      stopRegistering();
      stopForwarding();
      stopAggregating();
      stopMending();
      await addresses.stop();
      stopServing();
      graph.close();
      // Watches and logs end first: they would hold their connections for as long as they like.
      closing.abort();
      await closeListeners(CLOSE_GRACE_MS);
      await options.audit?.sink.close();
      registry.close();
    },
  };
}
