// A write as admission sees it: what is done to which object, by whom.
// Knows no policy; plugins are in the files and folders beside it.
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: Resource;
  /** `''` for the object itself. */
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: AnyObject | undefined;
  readonly oldObject: AnyObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
}

/** This server itself: what it writes is part of how it works, and no policy is asked about it. */
export const SYSTEM_USER = 'system:apiserver';
