// The runtime's half of the CNI specification: ADD along the list, DEL in reverse, CHECK, GC, STATUS, versions.
// Knows how plugins are chained; neither namespaces nor what a plugin does.
import { NetworkError } from '../pod-network.ts';
import type { Attachment } from './attachments.ts';
import { runtimeConfigOf } from './capabilities.ts';
import { CniCode, CniError } from './cni-error.ts';
import type { NetworkList, PluginConfig } from './network-list.ts';
import type { CniCall, CniCommand, FindPlugin } from './plugin.ts';
import { atLeast, CNI_VERSIONS, highestCommon, OLDEST_VERSION } from './version.ts';

/** Words that upstream's library uses for the verbs. */
const SPOKEN: Readonly<Record<CniCommand, string>> = {
  ADD: 'add',
  DEL: 'delete',
  CHECK: 'check',
  GC: 'gc',
  STATUS: 'status',
  VERSION: 'version',
};

export class CniRuntime {
  readonly #find: FindPlugin;
  readonly #supported = new Map<string, readonly string[]>();

  constructor(find: FindPlugin) {
    this.#find = find;
  }

  /** The highest version that the list names and all its plugins speak. Throws `NetworkError`. */
  async negotiate(list: NetworkList): Promise<string> {
    const supported: string[][] = [];
    for (const plugin of list.plugins) supported.push([...(await this.#versionsOf(list, plugin))]);
    const version = highestCommon(list.versions, supported);
    if (version !== undefined) return version;
    const wanted = list.versions.join(', ');
    const at = supported.findIndex((one) => highestCommon(list.versions, [one]) === undefined);
    const { type = '' } = list.plugins[at] ?? {};
    if (at === -1 || highestCommon(list.versions, []) === undefined) {
      throw new NetworkError(
        `no CNI version of network "${list.name}" (${wanted}) fits: use one of ${CNI_VERSIONS.join(', ')}`,
      );
    }
    throw new NetworkError(
      `plugin ${type} does not support config version "${wanted}" of network "${list.name}": it speaks ${supported[at]?.join(', ')}`,
    );
  }

  /** Runs the chain; the last plugin's answer is the result. Throws `NetworkError` at the first that fails. */
  async add(attachment: Attachment, netns: string): Promise<unknown> {
    let result: unknown;
    for (const plugin of attachment.list.plugins) {
      result = await this.#call('ADD', attachment, plugin, netns, result);
    }
    return result;
  }

  /** In reverse, with what ADD answered; `netns` is left out when it is gone. */
  async del(attachment: Attachment, netns: string | undefined): Promise<void> {
    const previous = atLeast(attachment.version, '0.4.0') ? attachment.result : undefined;
    for (const plugin of [...attachment.list.plugins].reverse()) {
      await this.#call('DEL', attachment, plugin, netns, previous);
    }
  }

  /** Throws `NetworkError` when a plugin finds the attachment broken; does nothing where it may not be asked. */
  async check(attachment: Attachment, netns: string): Promise<void> {
    const { list, version, result } = attachment;
    if (list.disableCheck || !atLeast(version, '0.4.0')) return;
    for (const plugin of list.plugins) await this.#call('CHECK', attachment, plugin, netns, result);
  }

  /** Tells plugins which attachments there are; every plugin is told, and what failed is said together. */
  async gc(list: NetworkList, version: string, valid: readonly Attachment[]): Promise<void> {
    if (list.disableGC || !atLeast(version, '1.1.0')) return;
    const attachments = valid.map((one) => ({ containerID: one.podUid, ifname: one.ifName }));
    const problems: string[] = [];
    for (const plugin of list.plugins) {
      const config = { ...plugin, name: list.name, cniVersion: version, 'cni.dev/valid-attachments': attachments };
      await this.#invoke(list.name, plugin, { command: 'GC', config }).catch((error: Error) =>
        problems.push(error.message),
      );
    }
    if (problems.length > 0) throw new NetworkError(problems.join('; '));
  }

  /** Throws `NetworkError` when a plugin says that it could not serve an ADD now. */
  async status(list: NetworkList, version: string): Promise<void> {
    if (!atLeast(version, '1.1.0')) return;
    for (const plugin of list.plugins) {
      const config = { ...plugin, name: list.name, cniVersion: version };
      await this.#invoke(list.name, plugin, { command: 'STATUS', config });
    }
  }

  async #call(
    command: CniCommand,
    attachment: Attachment,
    plugin: PluginConfig,
    netns: string | undefined,
    prevResult: unknown,
  ): Promise<unknown> {
    const { podUid, ifName, args, list, version, capabilityArgs } = attachment;
    const config = {
      ...plugin,
      name: list.name,
      cniVersion: version,
      ...runtimeConfigOf(plugin, capabilityArgs),
      ...(prevResult === undefined ? {} : { prevResult }),
    };
    return await this.#invoke(list.name, plugin, {
      command,
      containerId: podUid,
      ifName,
      args,
      config,
      ...(netns === undefined ? {} : { netns }),
    });
  }

  async #invoke(network: string, plugin: PluginConfig, call: CniCall): Promise<unknown> {
    try {
      return await this.#find(plugin.type).invoke(call);
    } catch (error) {
      // A plugin that was replaced by an older one since it was asked.
      if (error instanceof CniError && error.code === CniCode.incompatibleVersion) this.#supported.delete(plugin.type);
      const what = `plugin type="${plugin.type}" name="${network}" failed (${SPOKEN[call.command]})`;
      throw new NetworkError(`${what}: ${(error as Error).message}`);
    }
  }

  async #versionsOf(list: NetworkList, plugin: PluginConfig): Promise<readonly string[]> {
    const known = this.#supported.get(plugin.type);
    if (known !== undefined) return known;
    const config = { cniVersion: CNI_VERSIONS.at(-1) };
    let answer: unknown;
    try {
      answer = await this.#find(plugin.type).invoke({ command: 'VERSION', config });
    } catch (error) {
      // Plugins of the first version do not know the question.
      if (!(error as Error).message.includes('unknown CNI_COMMAND: VERSION')) {
        throw new NetworkError(
          `plugin type="${plugin.type}" name="${list.name}" failed (version): ${(error as Error).message}`,
        );
      }
      answer = { supportedVersions: [OLDEST_VERSION] };
    }
    const { supportedVersions } = (answer ?? {}) as { supportedVersions?: unknown };
    const versions = Array.isArray(supportedVersions) ? supportedVersions.filter((one) => typeof one === 'string') : [];
    this.#supported.set(plugin.type, versions);
    return versions;
  }
}
