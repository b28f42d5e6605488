// A CNI plugin that is a program: arguments by environment, configuration by standard input, answer by standard output.
// Knows the calling convention of the specification, and no plugin by name.
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Commands } from '../commands.ts';
import { CniCode, CniError, cniErrorOf } from './cni-error.ts';
import type { CniCall, CniPlugin, FindPlugin } from './plugin.ts';

/** A plugin that asks others (a DHCP server, an API) may take its time, but not for ever. */
const PLUGIN_TIMEOUT_MS = 60_000;

export interface ExecPluginOptions {
  /** Searched in this order. */
  readonly binDirs: readonly string[];
  readonly commands: Commands;
  readonly timeoutMs?: number;
}

/** Finds programs anew at every call: plugins are often installed after the kubelet has started. */
export function execPlugins(options: ExecPluginOptions): FindPlugin {
  return (type) => {
    if (type === '' || type.includes('/')) throw new CniError(CniCode.invalidConfig, `invalid plugin name: ${type}`);
    const file = options.binDirs.map((dir) => join(dir, type)).find(isProgram);
    if (file === undefined) {
      const where = options.binDirs.join(' ');
      throw new CniError(CniCode.invalidConfig, `failed to find plugin "${type}" in path [${where}]`);
    }
    return new ExecPlugin(file, options);
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

class ExecPlugin implements CniPlugin {
  readonly #file: string;
  readonly #options: ExecPluginOptions;

  constructor(file: string, options: ExecPluginOptions) {
    this.#file = file;
    this.#options = options;
  }

  async invoke(call: CniCall): Promise<unknown> {
    const { commands, binDirs, timeoutMs = PLUGIN_TIMEOUT_MS } = this.#options;
    const finished = await commands.run([this.#file], {
      timeoutMs,
      input: JSON.stringify(call.config),
      // All of them, always: what our own caller may have set must not get through.
      env: {
        CNI_COMMAND: call.command,
        CNI_CONTAINERID: call.containerId ?? '',
        CNI_NETNS: call.netns ?? '',
        CNI_IFNAME: call.ifName ?? '',
        CNI_ARGS: call.args ?? '',
        CNI_PATH: binDirs.join(':'),
      },
    });
    if (finished.timedOut) {
      throw new CniError(CniCode.internal, `netplugin did not end within ${timeoutMs / 1000} s and was killed`);
    }
    if (finished.exitCode !== 0) throw cniErrorOf(finished.stdout, finished.stderr);
    if (call.command !== 'ADD' && call.command !== 'VERSION') return undefined;
    try {
      return JSON.parse(finished.stdout) as unknown;
    } catch (error) {
      throw new CniError(CniCode.decodingFailure, `netplugin answered with no JSON: ${(error as Error).message}`);
    }
  }
}
