// A write, or a connection, as admission sees it: what is done to which object, by whom.
// Knows no policy; plugins are in the files and folders beside it.
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** Writes a line beside the request's in the audit log; `level`: only where as much is written of it. */
export type Annotate = (key: string, value: string, level?: 'Request') => void;

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface AdmissionAttributes {
  readonly operation: Operation;
  /** As which the write was sent. */
  readonly resource: Resource;
  /** As which it is shown to whoever matched it: of another version, where a rule knows only that. */
  readonly matched: Resource;
  /** Of the object, where that is not the resource's: of a subresource that takes objects of its own. */
  readonly kind?: GroupVersionKind;
  /** `''` for the object itself. */
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: AnyObject | undefined;
  readonly oldObject: AnyObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** Options of the request, as an object of their kind. */
  readonly options?: AnyObject;
  /** Texts for `Warning` headers are added here. */
  readonly warnings: string[];
  readonly annotate: Annotate;
}

/** This server itself: what it writes is part of how it works, and no policy is asked about it. */
export const SYSTEM_USER = 'system:apiserver';
