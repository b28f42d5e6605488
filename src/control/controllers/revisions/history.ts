// The ControllerRevisions of one workload: finds the one of its present template, or writes it; drops what is too old.
// Knows no kind; StatefulSets and DaemonSets differ in what their revisions are labelled with.
import type { ControllerRevision } from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import type { Informer } from '#kube/client/informer.ts';
import { BY_CONTROLLER, byController, claim, controllerReference, orphanKey } from '../common/owners.ts';
import { inOrder, revisionData, revisionHash, revisionName, sameData, surplus } from './data.ts';

const REVISIONS = builtin('ControllerRevision');

/** What the history must know of the workload. */
export interface Versioned extends KubeObject {
  spec?: { selector?: LabelSelector; template?: PodTemplateSpec; revisionHistoryLimit?: number };
  status?: { collisionCount?: number };
}

export interface Current {
  /** The revision of the present template. */
  readonly update: ControllerRevision;
  /** Every revision, oldest first, `update` among them. */
  readonly all: readonly ControllerRevision[];
  readonly collisionCount: number;
}

export class History {
  readonly #client: Client;
  readonly #ownerRef: ResourceRef;
  readonly #hashLabel: string;
  readonly #revisions: Informer<ControllerRevision>;

  constructor(
    client: Client,
    informer: Informer<ControllerRevision>,
    of: { ownerRef: ResourceRef; hashLabel: string },
  ) {
    this.#client = client;
    this.#ownerRef = of.ownerRef;
    this.#hashLabel = of.hashLabel;
    this.#revisions = informer;
    informer.addIndex(BY_CONTROLLER, byController);
  }

  /** Adopts revisions without an owner, and returns all that are the workload's. */
  list(owner: Versioned): Promise<ControllerRevision[]> {
    const { uid = '', namespace } = owner.metadata ?? {};
    return claim<ControllerRevision>({
      client: this.#client,
      ownerRef: this.#ownerRef,
      owner,
      selector: owner.spec?.selector,
      dependentRef: REVISIONS,
      candidates: [
        ...this.#revisions.byIndex(BY_CONTROLLER, uid),
        ...this.#revisions.byIndex(BY_CONTROLLER, orphanKey(namespace)),
      ],
    });
  }

  /** A template that was there before gets the highest number once more: that is what an undo looks like. */
  async sync(owner: Versioned): Promise<Current> {
    const all = inOrder(await this.list(owner));
    const data = revisionData(owner.spec?.template);
    const next = (all.at(-1)?.revision ?? 0) + 1;
    const collisionCount = owner.status?.collisionCount ?? 0;
    const known = all.findLast((each) => sameData(each.data, data));
    if (known === undefined) {
      const created = await this.#create(owner, data, next, collisionCount);
      return { update: created.revision, all: [...all, created.revision], collisionCount: created.collisionCount };
    }
    if (known === all.at(-1)) return { update: known, all, collisionCount };
    const update = await this.#client.update<ControllerRevision>(REVISIONS, { ...known, revision: next });
    return { update, all: [...all.filter((each) => each !== known), update], collisionCount };
  }

  async #create(
    owner: Versioned,
    data: ReturnType<typeof revisionData>,
    revision: number,
    collisionCount: number,
  ): Promise<{ revision: ControllerRevision; collisionCount: number }> {
    const { name: parent = '', namespace, annotations = {} } = owner.metadata ?? {};
    for (let collisions = collisionCount; ; collisions++) {
      const hash = revisionHash(data, collisions);
      const name = revisionName(parent, hash);
      const labels = { ...owner.spec?.template?.metadata?.labels, [this.#hashLabel]: hash };
      const ownerReferences = [controllerReference(this.#ownerRef, owner)];
      const wanted: ControllerRevision = {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: { name, namespace, labels, annotations, ownerReferences },
        data,
        revision,
      };
      try {
        return { revision: await this.#client.create(REVISIONS, wanted), collisionCount: collisions };
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
        const there = await this.#client.get<ControllerRevision>(REVISIONS, name, namespace);
        // Written in the round before, and not shown by the informer yet.
        if (sameData(there.data, data)) return { revision: there, collisionCount: collisions };
      }
    }
  }

  /** `live` are names of revisions that pods or the status still need. */
  async truncate(owner: Versioned, revisions: readonly ControllerRevision[], live: ReadonlySet<string>): Promise<void> {
    for (const { metadata } of surplus(revisions, live, owner.spec?.revisionHistoryLimit ?? 10)) {
      try {
        await this.#client.delete(REVISIONS, metadata?.name ?? '', metadata?.namespace);
      } catch (error) {
        if (!isStatus(error, 404)) throw error;
      }
    }
  }
}
