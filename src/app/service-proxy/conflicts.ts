// Tells of a Service that has no rules for an address because another one has it: as an Event, where people look for it.
// Knows the API; the log has been told already.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import type { EventRecorder } from '#kube/client/events.ts';

/** `service` is `namespace/name`. A Service that has gone meanwhile, or cannot be read, is not told of. */
export function conflictTeller(client: Client, recorder: EventRecorder): (service: string, message: string) => void {
  return (service, message) => {
    const [namespace = '', name = ''] = service.split('/');
    client
      .get<Service & KubeObject>(builtin('Service'), name, namespace)
      .then((found) => recorder.event(found, 'Warning', 'AddressConflict', message))
      .catch(() => {});
  };
}
