// From all objects of the Gateway API to the traffic model and to what each object is told, at once.
// Pure; what was bound is known later: `statusesOf` takes it.
import type { Certificate, Listener, VirtualHost } from '../ir.ts';
import type { ClusterVariant } from './backends.ts';
import type { SocketFaults } from './gateway-status.ts';
import type { GatewayView } from './listener-view.ts';
import type { ObjectStatus } from './object-status.ts';
import type { GatewayObjects, GatewayOptions } from './objects.ts';
import { GatewayTranslator } from './translator.ts';

export interface GatewayPart {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  readonly gateways: readonly GatewayView[];
  statusesOf(faults: SocketFaults): readonly ObjectStatus[];
}

export function translateGateways(objects: GatewayObjects, options: GatewayOptions): GatewayPart {
  const translator = new GatewayTranslator(options);
  translator.update(objects);
  return {
    ...translator.tables,
    variants: translator.variants.all,
    gateways: translator.gateways,
    statusesOf: (faults) => translator.statusesOf(faults),
  };
}
