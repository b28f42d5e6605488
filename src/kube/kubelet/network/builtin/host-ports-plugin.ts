// Our own CNI plugin for ports of the node that lead to a pod, chained behind the one that gave it its addresses.
// Knows nftables and one table of its own in it; never touches another.
import { isIP } from 'node:net';
import type { PortMapping } from '../cni/capabilities.ts';
import { CniCode, CniError } from '../cni/cni-error.ts';
import type { CniCall, CniPlugin } from '../cni/plugin.ts';
import { podIpsOf } from '../cni/result.ts';
import type { Commands } from '../commands.ts';
import type { Names } from '../netns/names.ts';
import { type Element, elementsOf, type Listed, listedElements, takenBy } from './host-port-elements.ts';
import { hostPortTable } from './host-port-table.ts';
import { BUILTIN_VERSIONS, runtimeConfig, validAttachments } from './words.ts';

export class HostPortsPlugin implements CniPlugin {
  readonly #names: Names;
  readonly #commands: Commands;
  #ready: Promise<void> | undefined;

  constructor(names: Names, commands: Commands) {
    this.#names = names;
    this.#commands = commands;
  }

  async invoke(call: CniCall): Promise<unknown> {
    switch (call.command) {
      case 'VERSION':
        return { cniVersion: BUILTIN_VERSIONS.at(-1), supportedVersions: BUILTIN_VERSIONS };
      case 'ADD':
        await this.#add(call);
        return call.config.prevResult;
      case 'DEL':
        // Also without nftables a pod that has no such port must be able to go.
        if (runtimeConfig(call).portMappings.length > 0) await this.#remove((owner) => owner === call.containerId);
        return undefined;
      case 'CHECK':
        return await this.#check(call);
      case 'GC': {
        const valid = validAttachments(call);
        return await this.#remove((owner) => !valid.has(owner));
      }
      case 'STATUS':
        return undefined;
    }
  }

  async close(): Promise<void> {
    this.#ready = undefined;
    if (await this.#exists()) await this.#nft(`delete table inet ${this.#names.table}\n`);
  }

  async #add(call: CniCall): Promise<void> {
    const { portMappings } = runtimeConfig(call);
    if (portMappings.length === 0) return;
    for (const mapping of portMappings) checkMapping(mapping);
    await this.#table();
    const wanted = elementsOf(portMappings, podIpsOf(call.config.prevResult, 4));
    const present = await this.#elements();
    for (const element of wanted) {
      const owner = takenBy(element, present);
      if (owner === undefined || owner === call.containerId) continue;
      throw new CniError(CniCode.tryAgainLater, `host port ${element.title} is taken by the pod with uid ${owner}`);
    }
    await this.#nft(this.#statements('add', wanted, call.containerId));
    await this.#forgetFlows(wanted);
  }

  async #check(call: CniCall): Promise<void> {
    const wanted = elementsOf(runtimeConfig(call).portMappings, podIpsOf(call.config.prevResult, 4));
    if (wanted.length === 0) return;
    const present = await this.#elements();
    const missing = wanted.find((element) => takenBy(element, present) !== call.containerId);
    if (missing !== undefined) throw new CniError(CniCode.unknownContainer, `host port ${missing.title} leads nowhere`);
  }

  async #remove(gone: (owner: string) => boolean): Promise<void> {
    const present = (await this.#elements()).filter(({ owner }) => gone(owner));
    if (present.length === 0) return;
    await this.#nft(this.#statements('delete', present));
    await this.#forgetFlows(present);
  }

  #statements(verb: 'add' | 'delete', elements: readonly Element[], owner = ''): string {
    return elements
      .map(({ set, key, value }) => {
        const entry = verb === 'add' ? `${key} comment "${owner}"${value === '' ? '' : ` : ${value}`}` : key;
        return `${verb} element inet ${this.#names.table} ${set} { ${entry} }\n`;
      })
      .join('');
  }

  async #elements(): Promise<Listed[]> {
    if (!(await this.#exists())) return [];
    return listedElements(await this.#commands.must(['nft', '-j', 'list', 'table', 'inet', this.#names.table]));
  }

  async #exists(): Promise<boolean> {
    const { exitCode, stdout, stderr } = await this.#commands.run(['nft', 'list', 'tables', 'inet']);
    // Without the program there is no table either.
    if (exitCode === 127) return false;
    if (exitCode !== 0) throw new CniError(CniCode.ioFailure, `cannot list the tables of nftables: ${stderr.trim()}`);
    return stdout.includes(`table inet ${this.#names.table}\n`);
  }

  #table(): Promise<void> {
    this.#ready ??= this.#nft(hostPortTable(this.#names.table)).catch((error: Error) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #nft(statements: string): Promise<void> {
    try {
      await this.#commands.must(['nft', '-f', '-'], { input: statements });
    } catch (error) {
      // Somebody may have flushed the ruleset: the next try makes the table again.
      this.#ready = undefined;
      throw new CniError(CniCode.ioFailure, `cannot set host ports: ${(error as Error).message}`);
    }
  }

  /** UDP has no end of a connection: known flows would go on to where their first packet went. */
  async #forgetFlows(elements: readonly Element[]): Promise<void> {
    for (const { protocol, hostPort, family } of elements) {
      if (protocol !== 'udp') continue;
      const flows = ['-p', 'udp', '-f', `ipv${family}`, '--orig-port-dst', String(hostPort)];
      await this.#commands.run(['conntrack', '-D', ...flows]);
    }
  }
}

function checkMapping({ hostPort, containerPort, protocol, hostIP }: PortMapping): void {
  const port = (value: number): boolean => Number.isInteger(value) && value > 0 && value < 65_536;
  if (!port(hostPort) || !port(containerPort) || !['tcp', 'udp', 'sctp'].includes(protocol)) {
    throw new CniError(CniCode.invalidConfig, `host port ${hostPort}/${protocol} to ${containerPort} is none`);
  }
  if (hostIP !== '' && (isIP(hostIP) === 0 || hostIP.includes('%')))
    throw new CniError(CniCode.invalidConfig, `host IP "${hostIP}" is no address`);
}
