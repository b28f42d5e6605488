// Objects that every embedded cluster has from the start, besides those the API server makes itself.
// Knows their names only; an object that is there already is left as it is.
import type { IngressClass } from 'kubernetes-types/networking/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { PROVISIONER } from '#control/controllers/persistent-volume/directories.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import { DEFAULT_CLASS_ANNOTATION, INGRESS_CONTROLLER } from '#traffic/model/ingress-class.ts';

export async function ensureBuiltinObjects(client: Client, ingressClass: string): Promise<void> {
  const classes: IngressClass & KubeObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    // The only class here, and so the one of an Ingress that names none.
    metadata: { name: ingressClass, annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } },
    spec: { controller: INGRESS_CONTROLLER },
  };
  const storage: StorageClass & KubeObject = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: PROVISIONER,
    reclaimPolicy: 'Delete',
    // Every node here reaches the same directories, so there is no node to wait for.
    volumeBindingMode: 'Immediate',
  };
  await Promise.all([
    ensure(client, builtin('IngressClass'), classes),
    ensure(client, builtin('StorageClass'), storage),
  ]);
}

/** Leaves an object of that name as it is; false when there is one. */
export async function ensure(client: Client, ref: ResourceRef, object: KubeObject): Promise<boolean> {
  try {
    await client.create(ref, object);
    return true;
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    return false;
  }
}
