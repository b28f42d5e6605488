// The data directory: what lies where below --data.
// Knows no content; each part reads and writes its own file.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf, Failure, messageOf } from '../failure.ts';

export interface DataDir {
  readonly root: string;
  /** Who uses the directory now. */
  readonly lock: string;
  readonly store: string;
  readonly pki: string;
  readonly kubeconfig: string;
  readonly logs: string;
  readonly logFile: string;
  /** What images are on this machine. */
  readonly images: string;
  /** Where pods keep their files, when the node is this process. */
  readonly pods: string;
  /** Where the default storage class makes its volumes. */
  readonly volumes: string;
  /** A directory for each node that is a process of its own. */
  readonly nodes: string;
  /** What has been made of the network, until it is removed. */
  readonly fabric: string;
}

/** `path` or `~/.evenkeel`, absolute. Creates nothing. */
export function dataDirAt(path?: string): DataDir {
  const root = resolve(path ?? process.env.EVENKEEL_DATA ?? join(homedir(), '.evenkeel'));
  return {
    root,
    lock: join(root, 'instance.json'),
    store: join(root, 'store.db'),
    pki: join(root, 'pki'),
    kubeconfig: join(root, 'kubeconfig'),
    logs: join(root, 'logs'),
    logFile: join(root, 'logs', 'evenkeel.log'),
    images: join(root, 'images.json'),
    pods: join(root, 'kubelet'),
    volumes: join(root, 'kubelet', 'volumes'),
    nodes: join(root, 'nodes'),
    fabric: join(root, 'fabric.json'),
  };
}

/** Makes the directories, readable by their owner only: keys lie below. Throws a `Failure` where it may not. */
export function createDataDir(dir: DataDir): void {
  try {
    for (const path of [dir.root, dir.pki, dir.logs, dir.pods, dir.nodes]) makeWithParents(path);
  } catch (error) {
    throw new Failure(
      `Cannot create data directory "${dir.root}": ${messageOf(error)}`,
      'Choose a place you may write to with --data',
      { cause: error },
    );
  }
}

/** Not `recursive` of Node.js, which tries for ever where the kernel says ENOENT below a directory that is there, as in /proc. */
function makeWithParents(path: string): void {
  const parent = dirname(path);
  if (!existsSync(parent)) makeWithParents(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}
