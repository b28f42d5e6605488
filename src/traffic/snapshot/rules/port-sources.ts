// Where a rule book finds the Service ports again that it has compiled: kept here, or with whoever has their objects.
// Knows no rule.
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { SilentNodes } from './categorize.ts';

export interface PortSources {
  /** The port as it is now, which may be newer than what the book was told; undefined when it is gone. */
  get(name: string): L4ServicePort | undefined;
  /** What the book is told of the port. */
  note(name: string, port: L4ServicePort | undefined): void;
  /** Names of ports that have endpoints on any of these nodes. */
  onNodes(nodes: SilentNodes): Iterable<string>;
}

export class KeptPorts implements PortSources {
  readonly #ports = new Map<string, L4ServicePort>();

  get(name: string): L4ServicePort | undefined {
    return this.#ports.get(name);
  }

  note(name: string, port: L4ServicePort | undefined): void {
    if (port === undefined) this.#ports.delete(name);
    else this.#ports.set(name, port);
  }

  *onNodes(nodes: SilentNodes): Generator<string> {
    for (const [name, { endpoints }] of this.#ports) if (endpoints.some(({ node }) => nodes.has(node))) yield name;
  }
}
