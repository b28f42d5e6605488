// The programs of one owner on one control group: loaded, tied there by pinned links, taken over from an earlier run.
// Knows the tables by name alone.
import { closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { attachToCgroup, detach, linkInfo, replaceProgram } from '../bpf/link.ts';
import { BpfMap, type MapShape } from '../bpf/map.ts';
import { openPin, pin, unpin } from '../bpf/pin.ts';
import { ATTACH_TYPES, closeProgram, loadProgram } from '../bpf/program.ts';
import { CALLS, type Call, programOf } from '../programs/programs.ts';
import type { PinFolder } from './pin-folder.ts';

/** Without these the other one is worse than nothing: answers would come from a stranger. */
const NEEDS: Partial<Readonly<Record<Call, Call>>> = { sendmsg4: 'recvmsg4', sendmsg6: 'recvmsg6' };

export interface AttachmentOptions {
  readonly cgroup: string;
  /** Cookie of the node's network namespace. */
  readonly node: bigint;
  readonly folder: PinFolder;
  readonly maps: Readonly<Record<string, BpfMap>>;
  readonly warn: (message: string) => void;
}

/** A map that an earlier run left under this name, or a new one that gets it. */
export function keptMap(folder: PinFolder, shape: MapShape): BpfMap {
  const path = join(folder.path, shape.name);
  const fd = openPin(path);
  if (fd !== undefined) {
    const kept = BpfMap.adopt(fd, shape);
    if (kept !== undefined) return kept;
    // Another version's: what it remembered is lost, its name is needed.
    closeSync(fd);
    unpin(path);
  }
  const map = BpfMap.create(shape);
  pin(map.fd, path);
  return map;
}

export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #links = new Map<Call, number>();

  /** Programs begin to work here, or take the place of those of an earlier run without a gap. */
  constructor(options: AttachmentOptions) {
    this.#options = options;
    for (const call of CALLS) this.#engage(call);
  }

  /** The calls that are served; a kernel may know some of them only. */
  get calls(): ReadonlySet<Call> {
    return new Set(this.#links.keys());
  }

  /** Ties again what somebody has untied; says how many. */
  repair(): number {
    let restored = 0;
    for (const [call, link] of [...this.#links]) {
      if (openAndClose(this.#path(call)) && this.#isHere(link)) continue;
      closeSync(link);
      this.#links.delete(call);
      this.#engage(call);
      restored++;
    }
    return restored;
  }

  /** `keep`: the programs go on working without us. Otherwise they end here. */
  close(keep: boolean): void {
    // The first to be tied is the last to go.
    for (const [call, link] of [...this.#links].reverse()) {
      if (!keep) {
        detach(link);
        unpin(this.#path(call));
      }
      closeSync(link);
    }
    this.#links.clear();
  }

  #engage(call: Call): void {
    const { node, maps, warn } = this.#options;
    const needed = NEEDS[call];
    if (needed !== undefined && !this.#links.has(needed)) return;
    let program: number;
    try {
      program = loadProgram(programOf(call, node), {
        name: `ek_${call}`,
        type: 'cgroup_sock_addr',
        attachType: call,
        maps,
      });
    } catch (error) {
      warn(`The kernel refuses the eBPF program of ${call}; packets take the slower way. ${(error as Error).message}`);
      return;
    }
    try {
      this.#links.set(call, this.#tie(call, program));
    } catch (error) {
      warn(`The eBPF program of ${call} cannot be attached; packets take the slower way. ${(error as Error).message}`);
    } finally {
      closeProgram(program);
    }
  }

  #tie(call: Call, program: number): number {
    const path = this.#path(call);
    const earlier = openPin(path);
    if (earlier !== undefined) {
      if (this.#isHere(earlier) && linkInfo(earlier).attachType === ATTACH_TYPES[call]) {
        replaceProgram(earlier, program);
        return earlier;
      }
      detach(earlier);
      closeSync(earlier);
      unpin(path);
    }
    const link = attachToCgroup(program, this.#options.cgroup, call);
    pin(link, path);
    return link;
  }

  #isHere(link: number): boolean {
    return linkInfo(link).cgroup === statSync(this.#options.cgroup, { bigint: true }).ino;
  }

  #path(call: Call): string {
    return join(this.#options.folder.path, call);
  }
}

function openAndClose(path: string): boolean {
  const fd = openPin(path);
  if (fd === undefined) return false;
  closeSync(fd);
  return true;
}
