// What may differ from resource to resource in the one path that all writes take.
// Knows the questions; the answers are in the files beside it, and most resources need none.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { Clock } from '#lib/clock.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RoleRules } from '../authz/escalation.ts';
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { ServiceAllocations } from './service/allocations.ts';

/** What a strategy may use of the server. */
export interface StrategyContext {
  readonly clock: Clock;
  readonly user: User;
  readonly authorizer: Authorizer;
  readonly roles: RoleRules | undefined;
  readonly services: ServiceAllocations;
  /** An object of another resource, by group, resource, namespace and name. */
  lookup(group: string, resource: string, namespace: string | undefined, name: string): AnyObject | undefined;
  list(group: string, resource: string): readonly AnyObject[];
}

/** Takes back what was reserved for a write that did not happen. */
export type Undo = () => void;

export interface Strategy {
  /** PUT of a name that is not there creates it. */
  readonly createOnUpdate?: boolean;
  /** An update must carry a resourceVersion. */
  readonly requiresResourceVersion?: boolean;
  /** A DELETE that is done at once answers with the object, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Status as it stands on a new object; undefined keeps what the client sent. */
  readonly initialStatus?: Readonly<Record<string, unknown>>;
  /** `metadata.generation` counts changes of everything but metadata and status. */
  readonly countsGenerations?: boolean;
  /** Fields that a selector may name besides `metadata.name` and `metadata.namespace`. */
  readonly selectableFields?: Readonly<Record<string, (object: AnyObject) => string>>;
  /** Upstream's PrepareForCreate and the mutating admission for the kind. May throw `StatusError`. */
  prepareForCreate?(object: AnyObject, context: StrategyContext): void;
  /** Upstream's PrepareForUpdate; `current` is shared and must not change. */
  prepareForUpdate?(next: AnyObject, current: AnyObject, context: StrategyContext): void;
  /** The same for a write of the status alone, whose spec is the current one already. */
  prepareForStatusUpdate?(next: AnyObject, current: AnyObject, context: StrategyContext): void;
  /** Reserves what the object asks for (addresses, ports), filling it in. May throw `StatusError`. */
  reserve?(next: AnyObject, current: AnyObject | undefined, context: StrategyContext): Undo;
  /** Seconds a deletion waits for others to finish, given what was asked for; undefined: it does not wait. */
  gracePeriod?(object: AnyObject, requested: number | undefined): number | undefined;
  /** Called once an object has been marked for deletion. */
  markDeleting?(object: AnyObject): void;
  /** Finalizers kept elsewhere than in metadata. */
  otherFinalizers?(object: AnyObject): readonly unknown[];
}

export type StrategyFor = (definition: ResourceDefinition) => Strategy;
