// A probe's or hook's port: a number, or the name of one of the container's ports.
// Pure.
import type { Container } from 'kubernetes-types/core/v1.js';

/** Throws when the name is not that of a port, or the number is out of range. */
export function resolvePort(port: number | string, container: Container): number {
  const named = container.ports?.find((one) => one.name === port)?.containerPort;
  const value = named ?? Number(port);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new Error(
      `Port "${port}" of container "${container.name}" is neither a number from 1 to 65535 nor one of its named ports`,
    );
  }
  return value;
}
