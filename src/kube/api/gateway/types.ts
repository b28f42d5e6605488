// The objects of the Gateway API as our code reads them, defaults of the API server applied or not.
// Types only; fields that nobody here reads are left out.
import type { KubeObject } from '../object.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

export interface ObjectRef {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface GatewayClass extends KubeObject {
  readonly spec?: { readonly controllerName?: string; readonly parametersRef?: ObjectRef };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly supportedFeatures?: readonly { readonly name: string }[];
  };
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface FromNamespaces {
  readonly from?: string;
  readonly selector?: LabelSelector;
}

export interface RouteKind {
  readonly group?: string;
  readonly kind: string;
}

export interface GatewayListener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: {
    readonly mode?: 'Terminate' | 'Passthrough';
    readonly certificateRefs?: readonly ObjectRef[];
    readonly options?: Readonly<Record<string, string>>;
  };
  readonly allowedRoutes?: { readonly namespaces?: FromNamespaces; readonly kinds?: readonly RouteKind[] };
}

export interface FrontendTls {
  readonly validation?: { readonly caCertificateRefs?: readonly ObjectRef[]; readonly mode?: string };
}

export interface GatewayAddress {
  readonly type?: string;
  readonly value?: string;
}

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly RouteKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface Gateway extends KubeObject {
  readonly spec?: {
    readonly gatewayClassName?: string;
    readonly listeners?: readonly GatewayListener[];
    readonly addresses?: readonly GatewayAddress[];
    readonly infrastructure?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly parametersRef?: ObjectRef;
    };
    readonly allowedListeners?: { readonly namespaces?: FromNamespaces };
    readonly tls?: {
      readonly backend?: { readonly clientCertificateRef?: ObjectRef };
      readonly frontend?: {
        readonly default?: FrontendTls;
        readonly perPort?: readonly { readonly port: number; readonly tls: FrontendTls }[];
      };
    };
  };
  readonly status?: {
    readonly addresses?: readonly GatewayAddress[];
    readonly conditions?: readonly Condition[];
    readonly listeners?: readonly ListenerStatus[];
    readonly attachedListenerSets?: number;
  };
}

export interface ListenerSet extends KubeObject {
  readonly spec?: { readonly parentRef?: ObjectRef; readonly listeners?: readonly GatewayListener[] };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly listeners?: readonly ListenerStatus[] };
}

export interface ParentRef extends ObjectRef {
  readonly sectionName?: string;
  readonly port?: number;
}

export interface ParentStatus {
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface BackendRef extends ObjectRef {
  readonly port?: number;
  readonly weight?: number;
}

export interface FilteredBackendRef extends BackendRef {
  readonly filters?: readonly RouteFilterSpec[];
}

export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[];
  readonly add?: readonly { readonly name: string; readonly value: string }[];
  readonly remove?: readonly string[];
}

export interface PathModifier {
  readonly type: string;
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export interface ExternalAuthSpec {
  readonly protocol: string;
  readonly backendRef: BackendRef;
  readonly http?: {
    readonly path?: string;
    readonly allowedHeaders?: readonly string[];
    readonly allowedResponseHeaders?: readonly string[];
  };
  readonly grpc?: { readonly allowedHeaders?: readonly string[] };
  readonly forwardBody?: { readonly maxSize?: number };
}

export interface RouteFilterSpec {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly requestMirror?: {
    readonly backendRef: BackendRef;
    readonly percent?: number;
    readonly fraction?: { readonly numerator: number; readonly denominator?: number };
  };
  readonly requestRedirect?: {
    readonly scheme?: string;
    readonly hostname?: string;
    readonly path?: PathModifier;
    readonly port?: number;
    readonly statusCode?: number;
  };
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier };
  readonly cors?: {
    readonly allowOrigins?: readonly string[];
    readonly allowCredentials?: boolean;
    readonly allowMethods?: readonly string[];
    readonly allowHeaders?: readonly string[];
    readonly exposeHeaders?: readonly string[];
    readonly maxAge?: number;
  };
  readonly extensionRef?: ObjectRef;
  readonly externalAuth?: ExternalAuthSpec;
}

export interface ValueMatchSpec {
  readonly type?: string;
  readonly name: string;
  readonly value: string;
}

export interface SessionPersistence {
  readonly sessionName?: string;
  readonly type?: string;
  readonly absoluteTimeout?: string;
  readonly cookieConfig?: { readonly lifetimeType?: string };
}

interface RuleParts {
  readonly name?: string;
  readonly filters?: readonly RouteFilterSpec[];
  readonly backendRefs?: readonly FilteredBackendRef[];
  readonly sessionPersistence?: SessionPersistence;
}

export interface HttpMatch {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly headers?: readonly ValueMatchSpec[];
  readonly queryParams?: readonly ValueMatchSpec[];
  readonly method?: string;
}

export interface HttpRule extends RuleParts {
  readonly matches?: readonly HttpMatch[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly retry?: { readonly codes?: readonly number[]; readonly attempts?: number; readonly backoff?: string };
}

export interface GrpcMatch {
  readonly method?: { readonly type?: string; readonly service?: string; readonly method?: string };
  readonly headers?: readonly ValueMatchSpec[];
}

export interface GrpcRule extends RuleParts {
  readonly matches?: readonly GrpcMatch[];
}

export interface Layer4Rule {
  readonly backendRefs?: readonly BackendRef[];
}

interface RouteOf<Rule> extends KubeObject {
  readonly spec?: {
    readonly parentRefs?: readonly ParentRef[];
    readonly useDefaultGateways?: string;
    readonly hostnames?: readonly string[];
    readonly rules?: readonly Rule[];
  };
  readonly status?: { readonly parents?: readonly ParentStatus[] };
}

export type HttpRoute = RouteOf<HttpRule>;
export type GrpcRoute = RouteOf<GrpcRule>;
/** TLSRoute, TCPRoute, UDPRoute; only the first has hostnames. */
export type Layer4RouteObject = RouteOf<Layer4Rule>;
export type AnyRoute = RouteOf<unknown>;

export interface ReferenceGrant extends KubeObject {
  readonly spec?: {
    readonly from?: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to?: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

export interface BackendTlsPolicy extends KubeObject {
  readonly spec?: {
    readonly targetRefs?: readonly (ObjectRef & { readonly sectionName?: string })[];
    readonly validation?: {
      readonly caCertificateRefs?: readonly ObjectRef[];
      readonly wellKnownCACertificates?: string;
      readonly hostname?: string;
      readonly subjectAltNames?: readonly {
        readonly type: string;
        readonly hostname?: string;
        readonly uri?: string;
      }[];
    };
    readonly options?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly ancestors?: readonly (Omit<ParentStatus, 'parentRef'> & { readonly ancestorRef: ParentRef })[];
  };
}
