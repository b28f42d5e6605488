// The data directory: what lies where below --data.
// Knows no content; each part reads and writes its own file.
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';

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
  /** How nodes and pods were connected, for the next start. */
  readonly network: string;
  /** What has been made of the network, until it is removed. */
  readonly fabric: string;
}

/** `path` or `~/.evenkeel`, absolute. Creates nothing. Throws a `Failure` when something else is there. */
export function dataDirAt(path?: string): DataDir {
  const root = absolute(path ?? (process.env.EVENKEEL_DATA || join(homedir(), '.evenkeel')));
  checkPlace(root);
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
    network: join(root, 'network.json'),
    fabric: join(root, 'fabric.json'),
  };
}

/** Of a node that is run by itself: `path`, or its place below `~/.evenkeel`. Creates nothing; throws as `dataDirAt`. */
export function nodeDataDirAt(path: string | undefined, nodeName: string): string {
  if (path === undefined) return join(dataDirAt().nodes, nodeName);
  const root = absolute(path);
  checkPlace(root);
  return root;
}

/** What a shell makes of a variable that is not set: it would stand for the working directory. */
function absolute(path: string): string {
  if (path === '') throw new UsageFailure('--data is empty', 'Name a directory with --data, or leave it out');
  return resolve(path);
}

/** That there may be nothing yet is for those who look to say. */
function checkPlace(root: string): void {
  let directory: boolean;
  try {
    directory = statSync(root).isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new Failure(
      `Cannot use data directory "${root}": ${messageOf(error)}`,
      'Name a directory that you may enter with --data',
      { cause: error },
    );
  }
  if (!directory) {
    throw new Failure(
      `Data directory "${root}" is a file`,
      'Name a directory, or one that is not there yet, with --data',
    );
  }
}

/** Makes the directories, readable by their owner only: keys lie below. Throws a `Failure` where it may not. */
export function createDataDir(dir: DataDir): void {
  makeDirectories(dir.root, [dir.pki, dir.logs, dir.pods, dir.nodes]);
}

/** The same for the one directory of a node that is run by itself. */
export function createNodeDataDir(root: string): void {
  makeDirectories(root, []);
}

function makeDirectories(root: string, below: readonly string[]): void {
  try {
    for (const path of [root, ...below]) makeWithParents(path);
    accessSync(root, constants.W_OK);
  } catch (error) {
    throw new Failure(
      `Cannot create data directory "${root}": ${messageOf(error)}`,
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
