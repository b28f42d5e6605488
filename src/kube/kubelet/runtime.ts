// What a container runtime does for the kubelet; the process runtime is the first, others can follow.
// An interface only: knows no pod worker and no way of running things.

import type { Readable, Writable } from 'node:stream';
import type { ResourceLimits } from './cgroup/limits.ts';
import type { Image, ImageService } from './image/image-service.ts';

/** A directory or file that a container sees at a path of its own. */
export interface Mount {
  readonly volume: string;
  readonly source: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** Mounts made below it later: those of the node appear in the container, or those of either on both sides. */
  readonly propagation?: 'HostToContainer' | 'Bidirectional';
  /** What is mounted below it can be written to no more than itself. */
  readonly recursiveReadOnly?: true;
}

/** What a container may do, and as whom; every field is final. */
export interface Security {
  /** Number of the user; that of the image when left out. */
  readonly user?: number;
  readonly group?: number;
  /** Further groups, that of the volumes among them. */
  readonly groups: readonly number[];
  /** Whether the groups that the image gives to the user count as well. */
  readonly groupsOfImage: boolean;
  readonly privileged: boolean;
  /** Names without `CAP_`; `ALL`, perhaps followed by exceptions such as `-SYS_ADMIN`. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly readOnlyRoot: boolean;
  /** Nothing of /proc is hidden or read-only. */
  readonly unmaskedProc: boolean;
}

/** How far a pod's containers are apart from the machine. */
export interface Isolation {
  /** Whose processes a container sees: its own, its pod's, or all of the machine's. */
  readonly pid: 'container' | 'pod' | 'host';
  /** The same for shared memory; `container` where the pod has a single one. */
  readonly ipc: 'container' | 'pod' | 'host';
  /** Kernel parameters of the pod's namespaces, by their names with dots. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** What the containers of a pod share; the same for each of its containers. */
export interface Sandbox {
  readonly hostname: string;
  /** The primary address first. */
  readonly podIps: readonly string[];
  /** File of the pod's network namespace; left out when it shares the kubelet's own. */
  readonly netns?: string;
  /** Files that stand at `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname`, where the runtime can place them. */
  readonly etc?: { readonly resolvConf: string; readonly hosts: string; readonly hostname: string };
  /** Left out where containers are plain processes of the machine. */
  readonly isolation?: Isolation;
  /** What the pod asks for in any case, for containers that are never plain processes. */
  readonly asked?: Isolation;
}

/** Shared memory of all containers of a pod. */
export interface PodIpc {
  /** File of the namespace of System V's objects and of message queues; left out where it cannot be joined. */
  readonly namespace?: string;
  /** Directory that stands at /dev/shm. */
  readonly shm: string;
}

/** One start of a container; every field is final, all references are resolved. */
export interface ContainerSpec {
  readonly podUid: string;
  readonly podName: string;
  readonly namespace: string;
  readonly name: string;
  readonly sandbox: Sandbox;
  readonly image: Image;
  /** Program and arguments; never empty. */
  readonly command: readonly string[];
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Whether its standard input is a pipe, kept open for those who attach; it is empty otherwise. */
  readonly stdin?: boolean;
  /** The first who attaches and ends its input ends the container's. */
  readonly stdinOnce?: boolean;
  /** Whether it runs at a terminal. */
  readonly tty?: boolean;
  /** Id of a running container of the pod whose processes it sees, where those are hidden from each other. */
  readonly sees?: string;
  /** A process in the namespaces of that container, as the kubelet numbers it, where another runtime runs it. */
  readonly seesProcess?: number;
  /** File of the namespace of processes that the pod's containers share, where another runtime holds it. */
  readonly podPidNamespace?: string;
  /** The shared memory of the pod's containers, where another runtime holds it. */
  readonly podIpc?: PodIpc;
  /** File that receives the output, in CRI log format. */
  readonly logPath: string;
  readonly limits: ResourceLimits;
  /** Bounds of all the pod's containers together. */
  readonly podLimits: ResourceLimits;
  /** -1000..1000: the higher, the sooner the kernel ends it when the machine has no memory left. */
  readonly oomScoreAdj: number;
  readonly security: Security;
}

export interface ContainerExit {
  /** 0..255; 128 + n when signal n ended it. */
  readonly exitCode: number;
  /** Signal number, when one ended it. */
  readonly signal?: number;
  /** Wall time in milliseconds since the epoch. */
  readonly finishedAt: number;
  /** It ended since its memory was used up. */
  readonly oomKilled?: true;
}

/** What a container's processes use; fields that this machine cannot tell are left out. */
export interface ContainerStats {
  /** Wall time of the reading in milliseconds since the epoch. */
  readonly at: number;
  /** CPU time since the container's start, in nanoseconds. */
  readonly cpuNanos?: number;
  /** Memory that cannot be taken back without effort, in bytes. */
  readonly workingSetBytes?: number;
  /** Memory of the processes themselves, without files, in bytes. */
  readonly rssBytes?: number;
}

export interface ExecResult {
  readonly exitCode: number;
  /** stdout and stderr as they came, cut at 10 KiB. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** In cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Of the terminal at its start. */
  readonly size?: TerminalSize;
}

/** The open streams of a process, of one that was started for them or of the container's own. */
export interface OpenStreams {
  /** Left out when nobody asked for it or the container has none. */
  readonly stdin?: Writable;
  readonly stdout: Readable;
  /** Left out where a terminal takes both. */
  readonly stderr?: Readable;
  /** Resolves when the process is gone; its output may still be on its way. */
  readonly exited: Promise<{ readonly exitCode: number }>;
  /** Without effect where there is no terminal. */
  resize(size: TerminalSize): void;
  /** Whoever used the streams is gone. */
  hangUp(): void;
}

/** What a container was started without, for an event. */
export interface StartNote {
  readonly reason:
    | 'VolumeByVariable'
    | 'MountNotPropagated'
    | 'SecurityContextIgnored'
    | 'LimitNotEnforced'
    | 'ProcessesNotShared';
  readonly message: string;
}

export interface RunningContainer {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** As in `containerID: podman://<id>`. */
  readonly runtime: string;
  /** Wall time in milliseconds since the epoch. */
  readonly startedAt: number;
  /** What people should know of how it was started, e.g. volumes that are not at their path. */
  readonly notes: readonly StartNote[];
  /** Resolves when the container's main process is gone and its output is in the log; never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** Signals the container's processes; harmless when they are gone. */
  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2'): void;
  /** Runs a command beside the container's own, with its environment; killed after `timeoutMs`. Never rejects. */
  exec(command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** As `exec`, with streams in place of limits; left out where the runtime has no way to. */
  open?(options: ExecOptions): Promise<OpenStreams>;
  /** The container's own streams, from now on; left out where the runtime has no way to. */
  attach?(options: { readonly stdin: boolean }): OpenStreams;
  /** Use of all its processes; `undefined` when it has ended. */
  stats(): Promise<ContainerStats | undefined>;
}

/** The container could not be started; the message is meant for the pod's status. */
export class ContainerStartError extends Error {}

export interface Runtime {
  /** As in `containerID: process://<id>`. */
  readonly name: string;
  readonly images: ImageService;
  /** Throws `ContainerStartError`. */
  start(spec: ContainerSpec): Promise<RunningContainer>;
  /** Ends what an earlier run that did not stop properly left behind; resolves with how many processes that were. */
  sweep(): Promise<number>;
  /** Why containers cannot have namespaces and a root of their own here; `undefined` when they can, if asked to. */
  isolationObstacle?(): Promise<string | undefined>;
  /** A process in the namespaces of a container that runs here; `undefined` for any other. */
  processOf?(id: string): Promise<number | undefined>;
  /** File of the namespace of processes that the pod's containers share. Throws `ContainerStartError`. */
  podPidNamespace?(podUid: string): Promise<string>;
  /** Whether its containers can join namespaces that are files, rather than those of its own containers alone. */
  readonly joinsFiles?: boolean;
  /** What a pod's containers share of memory. Throws `ContainerStartError`. */
  podIpc?(spec: ContainerSpec): Promise<PodIpc>;
  /** None of the pod's containers runs: frees what they shared. */
  releasePod?(podUid: string): Promise<void>;
  /** Whether what the pod's containers share has ended under them; it is asked when one of them has ended, too. */
  sandboxEnded?(podUid: string): Promise<boolean>;
  /** Calls `listener` with the uid of a pod when what its containers share has ended under them. */
  onSandboxLost?(listener: (podUid: string) => void): void;
  /** Live lines of a running container's log file; returns the way to stop listening. */
  follow(logPath: string, onLine: (line: string) => void): LogTail | undefined;
}

/** What was in the file at the moment of `follow` is for the reader to read; everything later is delivered. */
export interface LogTail {
  readonly ended: Promise<void>;
  stop(): void;
}
