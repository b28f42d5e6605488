// The names under which parts of the model refer to each other.
// Pure text; everything that makes or looks up such a name does it here.
import type { ServicePort } from 'kubernetes-types/core/v1.js';

/** `namespace/service/port`: the port's name, or its number when it has none. */
export function clusterName(serviceKey: string, port: ServicePort): string {
  return `${serviceKey}/${portLabel(port)}`;
}

/** `namespace/service:port`. */
export function servicePortName(serviceKey: string, port: ServicePort): string {
  return `${serviceKey}:${portLabel(port)}`;
}

/** `secret/namespace/name`. */
export function certificateName(secretKey: string): string {
  return `secret/${secretKey}`;
}

/** The port's name, or its number when it has none. */
export function portLabel({ name, port }: ServicePort): string {
  return name === undefined || name === '' ? String(port) : name;
}
