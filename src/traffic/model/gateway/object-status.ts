// What an object of the Gateway API is to be told.
// Types only. Of routes and policies these are our entries alone; others' stay.
import type { BackendTlsPolicy, Gateway, GatewayClass, ListenerSet, ParentStatus } from '#kube/api/gateway/types.ts';
import type { RouteKindName } from './objects.ts';

export type ObjectStatus =
  | { readonly kind: 'GatewayClass'; readonly key: string; readonly status: NonNullable<GatewayClass['status']> }
  | { readonly kind: 'Gateway'; readonly key: string; readonly status: NonNullable<Gateway['status']> }
  | { readonly kind: 'ListenerSet'; readonly key: string; readonly status: NonNullable<ListenerSet['status']> }
  | { readonly kind: RouteKindName; readonly key: string; readonly parents: readonly ParentStatus[] }
  | {
      readonly kind: 'BackendTLSPolicy';
      readonly key: string;
      readonly ancestors: NonNullable<NonNullable<BackendTlsPolicy['status']>['ancestors']>;
    };
