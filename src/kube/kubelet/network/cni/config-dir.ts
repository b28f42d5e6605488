// The directory of network configurations: the first file in the order of names is the pods' network.
// Knows file names and their order; what is in them is `network-list.ts`'s matter.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { NetworkError } from '../pod-network.ts';
import {
  type NetworkList,
  NetworkListError,
  parseNetworkList,
  parsePlugin,
  parseSinglePlugin,
} from './network-list.ts';

const EXTENSIONS = ['.conflist', '.conf', '.json'];

function filesIn(dir: string, extensions: readonly string[]): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries
      .filter((one) => !one.isDirectory() && extensions.includes(extname(one.name)))
      .map((one) => one.name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new NetworkError(`cannot read ${dir}: ${(error as Error).message}`);
  }
}

/**
 * The network of `dir`. A first file that cannot be used is an error: taking the next one instead would put pods into a
 * network that nobody chose. Throws `NetworkError`.
 */
export function loadNetworkList(dir: string): NetworkList {
  const [name] = filesIn(dir, EXTENSIONS);
  if (name === undefined) throw new NetworkError(`no network config found in ${dir}: cni plugin not initialized`);
  const file = join(dir, name);
  try {
    const text = readFileSync(file, 'utf8');
    const list = extname(name) === '.conflist' ? withDirectory(parseNetworkList(text), dir) : parseSinglePlugin(text);
    if (list.plugins.length === 0) throw new NetworkListError('it has no plugins');
    return list;
  } catch (error) {
    throw new NetworkError(`failed to load CNI config file ${file}: ${(error as Error).message}`);
  }
}

/** Since 1.1 plugins may stand in files of their own, in a directory named after the network. */
function withDirectory(list: NetworkList, dir: string): NetworkList {
  if (list.loadOnlyInlinedPlugins) return list;
  const own = join(dir, list.name);
  const appended = filesIn(own, ['.conf']).map((name) => {
    const file = join(own, name);
    try {
      return parsePlugin(JSON.parse(readFileSync(file, 'utf8')), 'the plugin');
    } catch (error) {
      throw new NetworkListError(`${file}: ${(error as Error).message}`);
    }
  });
  return { ...list, plugins: [...list.plugins, ...appended] };
}
