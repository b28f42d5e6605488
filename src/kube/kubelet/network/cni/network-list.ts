// A network configuration list: the plugins of one network in their order, read from .conflist, .conf or .json.
// Pure: knows the format, no directory and no plugin.
import { isVersion, OLDEST_VERSION } from './version.ts';

export interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [field: string]: unknown;
}

export interface NetworkList {
  readonly name: string;
  /** Every version that the file names; one of them is chosen together with the plugins. */
  readonly versions: readonly string[];
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  /** Of 1.1: files of a directory named after the network are appended, unless this is set. */
  readonly loadOnlyInlinedPlugins: boolean;
  readonly plugins: readonly PluginConfig[];
}

/** What is wrong with a file; the caller says which file it is. */
export class NetworkListError extends Error {}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NetworkListError(`it is no JSON: ${(error as Error).message}`);
  }
  if (!isRecord(value)) throw new NetworkListError('it holds no JSON object');
  return value;
}

function nameOf(raw: Record<string, unknown>): string {
  const { name } = raw;
  if (typeof name === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return name;
  const shown = name === undefined ? 'is missing' : `${JSON.stringify(name)} is no network name`;
  throw new NetworkListError(`"name" ${shown}: use letters, digits, "_", "." and "-"`);
}

function versionsOf(raw: Record<string, unknown>): string[] {
  const { cniVersion, cniVersions = [] } = raw;
  if (!Array.isArray(cniVersions)) throw new NetworkListError('"cniVersions" is no list, like ["1.0.0", "1.1.0"]');
  const all = cniVersion === undefined ? cniVersions : [cniVersion, ...cniVersions];
  for (const one of all) {
    if (!isVersion(one)) throw new NetworkListError(`${JSON.stringify(one)} is no version, like "1.0.0"`);
  }
  return all.length === 0 ? [OLDEST_VERSION] : [...new Set(all as string[])];
}

/** The specification once called it a string, so both are in use. */
function flag(raw: Record<string, unknown>, field: string): boolean {
  const value = raw[field] ?? false;
  const text = typeof value === 'string' ? value.toLowerCase() : value;
  if (text === true || text === 'true') return true;
  if (text === false || text === 'false') return false;
  throw new NetworkListError(`"${field}" ${JSON.stringify(value)} is neither true nor false`);
}

/** One plugin's configuration; `where` names it in what goes wrong. */
export function parsePlugin(raw: unknown, where: string): PluginConfig {
  if (!isRecord(raw)) throw new NetworkListError(`${where} is no object`);
  const { type, capabilities = {} } = raw;
  if (typeof type !== 'string' || type === '') throw new NetworkListError(`${where} has no "type", the plugin's name`);
  if (!isRecord(capabilities)) throw new NetworkListError(`"capabilities" of ${where} is no object`);
  return raw as PluginConfig;
}

/** `text` of a .conflist. Throws `NetworkListError`. It may have no plugins of its own when others are to be appended. */
export function parseNetworkList(text: string): NetworkList {
  const raw = parseJson(text);
  const { plugins = [] } = raw;
  if (!Array.isArray(plugins)) throw new NetworkListError('"plugins" is no list');
  return {
    name: nameOf(raw),
    versions: versionsOf(raw),
    disableCheck: flag(raw, 'disableCheck'),
    disableGC: flag(raw, 'disableGC'),
    loadOnlyInlinedPlugins: flag(raw, 'loadOnlyInlinedPlugins'),
    plugins: plugins.map((plugin, at) => parsePlugin(plugin, `plugins[${at}]`)),
  };
}

/** `text` of a .conf: one plugin, which is a list of one. Throws `NetworkListError`. */
export function parseSinglePlugin(text: string): NetworkList {
  const raw = parseJson(text);
  if (raw.plugins !== undefined) throw new NetworkListError('it has "plugins": name it *.conflist');
  return {
    name: nameOf(raw),
    versions: versionsOf(raw),
    disableCheck: false,
    disableGC: false,
    loadOnlyInlinedPlugins: true,
    plugins: [parsePlugin(raw, 'the plugin')],
  };
}
