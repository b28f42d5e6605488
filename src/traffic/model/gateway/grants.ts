// Who may refer to objects of another namespace, by the ReferenceGrants there.
// Knows nothing of what a reference is for.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { ReferenceGrant } from '#kube/api/gateway/types.ts';
import { attempt } from './attempt.ts';

export interface Referrer {
  readonly kind: string;
  readonly namespace: string;
}

export interface Referent {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whether one object may refer to another. */
export type Permits = Pick<Grants, 'permit'>;

export class Grants {
  readonly #byNamespace: ReadonlyMap<string, readonly ReferenceGrant[]>;

  constructor(grants: readonly ReferenceGrant[]) {
    this.#byNamespace = Map.groupBy(grants, ({ metadata }) => metadata?.namespace ?? '');
  }

  /** Within a namespace always; across, when a grant there names both sides. `from` is of the Gateway API's group. */
  permit(from: Referrer, to: Referent): boolean {
    if (from.namespace === to.namespace) return true;
    const grants = this.#byNamespace.get(to.namespace) ?? [];
    return grants.some((grant) => attempt(() => permits(grant, from, to)) === true);
  }
}

function permits({ spec }: ReferenceGrant, from: Referrer, to: Referent): boolean {
  const mayFrom = (spec?.from ?? []).some(
    ({ group, kind, namespace }) => group === GATEWAY_GROUP && kind === from.kind && namespace === from.namespace,
  );
  if (!mayFrom) return false;
  return (spec?.to ?? []).some(
    ({ group, kind, name }) =>
      group === to.group && kind === to.kind && (name === undefined || name === '' || name === to.name),
  );
}
