// Objects that every embedded cluster has from the start, besides those the API server makes itself.
// Knows their names only; an object that is there already is left as it is.
import type { IngressClass } from 'kubernetes-types/networking/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { DEFAULT_CLASS_ANNOTATION, INGRESS_CONTROLLER } from '#traffic/model/ingress-class.ts';

export async function ensureBuiltinObjects(client: Client, ingressClass: string): Promise<void> {
  const object: IngressClass & KubeObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    // The only class here, and so the one of an Ingress that names none.
    metadata: { name: ingressClass, annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } },
    spec: { controller: INGRESS_CONTROLLER },
  };
  try {
    await client.create(builtin('IngressClass'), object);
  } catch (error) {
    if (!(error instanceof StatusError && error.code === 409)) throw error;
  }
}
