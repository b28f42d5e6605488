// Persistent volumes: binds claims, makes directories for them, and takes back what is no longer claimed.
// Mounts nothing; the kubelet does. Upstream: pkg/controller/volume/{persistentvolume,pvcprotection,pvprotection}.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { ResourceRef } from '#kube/client/client.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { isPodFinished } from '../common/pods.ts';
import { classOf, isFor, mismatch } from '../common/volumes.ts';
import type { Controller, ControllerContext, ControllerParts } from '../controller.ts';
import { BIND_COMPLETED, BOUND_BY_US, bind, CLAIMS, setClaimStatus, setVolumePhase, VOLUMES } from './binder.ts';
import { discard, isOurs, obstacle, PROVISIONER, volumeFor } from './directories.ts';
import { bestVolume } from './match.ts';

const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection';
const VOLUME_PROTECTION = 'kubernetes.io/pv-protection';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const BY_CLAIM = 'claim';

export const persistentVolumeController: Controller = {
  name: 'persistent-volume',
  component: 'persistentvolume-controller',
  setup: (context) => new PersistentVolumeController(context).parts(),
};

class PersistentVolumeController {
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#claims = context.informers.of<PersistentVolumeClaim>(CLAIMS);
    this.#volumes = context.informers.of<PersistentVolume>(VOLUMES);
    this.#classes = context.informers.of<StorageClass>(builtin('StorageClass'));
    this.#pods = context.informers.of<Pod>(builtin('Pod'));
    this.#pods.addIndex(BY_CLAIM, claimsOf);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const claims = createWorkQueue('persistent-volume-claims', (key) => this.#claim(key), { clock, log });
    const volumes = createWorkQueue('persistent-volumes', (key) => this.#volume(key), { clock, log });
    const openClaims = (): void => {
      for (const claim of this.#claims.list()) if (claim.status?.phase !== 'Bound') claims.add(objectKey(claim));
    };
    this.#claims.onChange((key, now, before) => {
      claims.add(key);
      const volume = (now ?? before)?.spec?.volumeName;
      if (volume !== undefined && volume !== '') volumes.add(volume);
      else if (now === undefined) for (const each of this.#volumes.list()) volumes.add(objectKey(each));
    });
    this.#volumes.onChange((key, now, before) => {
      volumes.add(key);
      const { name, namespace } = (now ?? before)?.spec?.claimRef ?? {};
      if (name !== undefined) claims.add(`${namespace}/${name}`);
      else openClaims();
    });
    this.#classes.onChange(openClaims);
    this.#pods.onChange((_key, now, before) => {
      for (const pod of [before, now]) if (pod !== undefined) for (const key of claimsOf(pod)) claims.add(key);
    });
    return { queues: [claims, volumes], reads: [this.#claims, this.#volumes, this.#classes, this.#pods] };
  }

  async #claim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    if (claim.metadata?.deletionTimestamp !== undefined) {
      const users = this.#pods.byIndex(BY_CLAIM, key).filter((pod) => hasNode(pod) && !isPodFinished(pod));
      if (users.length === 0) await this.#unprotect(CLAIMS, claim, CLAIM_PROTECTION);
      return;
    }
    const wanted = claim.spec?.volumeName ?? '';
    if (claim.metadata?.annotations?.[BIND_COMPLETED] !== undefined) await this.#keepBound(claim, wanted);
    else if (wanted !== '') await this.#bindTo(claim, wanted);
    else await this.#findVolume(claim);
  }

  async #keepBound(claim: PersistentVolumeClaim, name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume !== undefined && isFor(volume, claim)) return bind(this.#context.client, claim, volume);
    if (claim.status?.phase === 'Lost') return;
    const [reason, message] =
      volume === undefined
        ? (['ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'] as const)
        : ([
            'ClaimMisbound',
            'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
          ] as const);
    // The informer of volumes may lag behind that of claims.
    if (volume === undefined && (await this.#exists(VOLUMES, name)))
      throw new Error(`Volume "${name}" is not seen yet`);
    await setClaimStatus(this.#context.client, claim, { phase: 'Lost' });
    this.#say(claim, 'Warning', reason, message);
  }

  async #bindTo(claim: PersistentVolumeClaim, name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined) return;
    if (volume.spec?.claimRef !== undefined && !isFor(volume, claim)) {
      this.#say(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
      return;
    }
    const why = mismatch(volume, claim);
    if (why === undefined) await bind(this.#context.client, claim, volume);
    else this.#say(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${why}`);
  }

  async #findVolume(claim: PersistentVolumeClaim): Promise<void> {
    const storageClass = this.#classes.get(classOf(claim));
    const meant = this.#volumes.list().find((volume) => isFor(volume, claim));
    if (meant === undefined && storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !this.#isConsumed(claim)) {
      const message = 'waiting for first consumer to be created before binding';
      this.#say(claim, 'Normal', 'WaitForFirstConsumer', message);
      return;
    }
    const volume = bestVolume(this.#volumes.list(), claim);
    if (volume !== undefined) await bind(this.#context.client, claim, volume);
    else await this.#provision(claim, storageClass);
  }

  /** The scheduler has chosen a node, or a pod that uses the claim was bound to one without it. */
  #isConsumed(claim: PersistentVolumeClaim): boolean {
    if (claim.metadata?.annotations?.[SELECTED_NODE] !== undefined) return true;
    return this.#pods.byIndex(BY_CLAIM, objectKey(claim)).some(hasNode);
  }

  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Promise<void> {
    const { client, settings } = this.#context;
    const name = classOf(claim);
    if (name === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      this.#say(claim, 'Normal', 'FailedBinding', message);
    } else if (storageClass === undefined) {
      this.#say(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${name}" not found`);
    } else if (storageClass.provisioner !== PROVISIONER || settings.volumesDir === undefined) {
      const message =
        `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' ` +
        'or manually by the system administrator. If volume creation is delayed, please verify that the provisioner ' +
        'is running and correctly registered.';
      this.#say(claim, 'Normal', 'ExternalProvisioning', message);
    } else {
      const why = obstacle(claim);
      if (why !== undefined) {
        const message = `failed to provision volume with StorageClass "${name}": ${why}`;
        this.#say(claim, 'Warning', 'ProvisioningFailed', message);
        return;
      }
      const wanted = volumeFor(claim, storageClass, settings.volumesDir);
      try {
        const volume = await client.create<PersistentVolume>(VOLUMES, wanted);
        const message = `Successfully provisioned volume ${volume.metadata?.name}`;
        this.#say(claim, 'Normal', 'ProvisioningSucceeded', message);
      } catch (error) {
        // Made in the round before; the informer will show it.
        if (!isStatus(error, 409)) throw error;
      }
    }
  }

  async #volume(name: string): Promise<void> {
    const { client } = this.#context;
    const volume = this.#volumes.get(name);
    if (volume === undefined) return;
    const ref = volume.spec?.claimRef;
    if (volume.metadata?.deletionTimestamp !== undefined && volume.status?.phase !== 'Bound') {
      await this.#unprotect(VOLUMES, volume, VOLUME_PROTECTION);
      return;
    }
    // Free, or kept for a claim that has not come yet.
    if (ref === undefined || (ref.uid ?? '') === '') {
      await setVolumePhase(client, volume, 'Available');
      return;
    }
    const claim = this.#claims.get(`${ref.namespace}/${ref.name}`);
    if (claim !== undefined && claim.metadata?.uid === ref.uid) {
      const chosen = claim.spec?.volumeName ?? '';
      // The claim's own round completes or keeps the binding.
      if (chosen === '' || chosen === name) return;
      if (!isOurs(volume, this.#context.settings.volumesDir)) return this.#letGo(volume);
    } else if (await this.#isClaimed(ref.namespace ?? '', ref.name ?? '', ref.uid ?? '')) {
      throw new Error(`Claim "${ref.namespace}/${ref.name}" of volume "${name}" is not seen yet`);
    }
    await this.#reclaim(await setVolumePhase(client, volume, 'Released', volume.status?.message));
  }

  /** The claim has taken another volume; whoever bound this one to it, it is free again. */
  async #letGo(volume: PersistentVolume): Promise<void> {
    const { claimRef, ...spec } = volume.spec ?? {};
    const { [BOUND_BY_US]: ours, ...annotations } = volume.metadata?.annotations ?? {};
    const { uid: _, ...kept } = claimRef ?? {};
    await this.#context.client.update<PersistentVolume>(VOLUMES, {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: ours === undefined ? { ...spec, claimRef: kept } : spec,
    });
  }

  async #reclaim(volume: PersistentVolume): Promise<void> {
    const { client, events, settings } = this.#context;
    if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete') return;
    const { name = '', uid } = volume.metadata ?? {};
    if (settings.volumesDir === undefined || !isOurs(volume, settings.volumesDir)) {
      // Another's provisioner takes its own volumes back.
      if (volume.metadata?.annotations?.['pv.kubernetes.io/provisioned-by'] !== undefined) return;
      const message = 'error getting deleter volume plugin for volume: no deletable volume plugin matched';
      await setVolumePhase(client, volume, 'Failed', message);
      events.event(volume, 'Warning', 'VolumeFailedDelete', message);
      return;
    }
    await discard(volume, settings.volumesDir);
    try {
      await client.delete(VOLUMES, name, undefined, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }

  async #isClaimed(namespace: string, name: string, uid: string): Promise<boolean> {
    try {
      return (await this.#context.client.get(CLAIMS, name, namespace)).metadata?.uid === uid;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  async #exists(ref: ResourceRef, name: string): Promise<boolean> {
    try {
      await this.#context.client.get(ref, name);
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  async #unprotect(ref: ResourceRef, object: KubeObject, finalizer: string): Promise<void> {
    const finalizers = object.metadata?.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return;
    const left = finalizers.filter((each) => each !== finalizer);
    await this.#context.client.update(ref, { ...object, metadata: { ...object.metadata, finalizers: left } });
  }

  #say(claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.events.event(claim, type, reason, message);
  }
}

function claimsOf(pod: Pod): readonly string[] {
  return (pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim === undefined ? [] : [`${pod.metadata?.namespace}/${persistentVolumeClaim.claimName}`],
  );
}

function hasNode(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? '') !== '';
}
