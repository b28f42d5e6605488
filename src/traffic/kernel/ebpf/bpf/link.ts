// Ties programs to control groups, by links: what holds a link holds the program in place, and nothing else does.
// Knows nothing of what the programs do.
import { closeSync, openSync } from 'node:fs';
import { Attribute, bpf } from './attribute.ts';
import { ATTACH_TYPES, type AttachType } from './program.ts';

/**
 * From now on `program` sees the sockets of every process in `cgroup` (a folder of a cgroup2 file system) and below,
 * beside the programs of others. Ends when the returned descriptor and every pin of it are gone.
 */
export function attachToCgroup(program: number, cgroup: string, attachType: AttachType): number {
  const folder = openSync(cgroup, 'r');
  try {
    const attribute = new Attribute(16).u32(0, program).u32(4, folder).u32(8, ATTACH_TYPES[attachType]);
    return bpf('LINK_CREATE', attribute, `${attachType} to "${cgroup}"`);
  } finally {
    closeSync(folder);
  }
}

/** Puts `program` in the place of the one before, in one step. */
export function replaceProgram(link: number, program: number): void {
  bpf('LINK_UPDATE', new Attribute(16).u32(0, link).u32(4, program), 'link');
}

/** Takes the program away although somebody may still hold the link. */
export function detach(link: number): void {
  bpf('LINK_DETACH', new Attribute(4).u32(0, link), 'link');
}

/** Numbers of the programs attached to `cgroup` itself. */
export function attachedPrograms(cgroup: string, attachType: AttachType): number[] {
  const folder = openSync(cgroup, 'r');
  try {
    const ids = new Uint32Array(64);
    const attribute = new Attribute(32)
      .u32(0, folder)
      .u32(4, ATTACH_TYPES[attachType])
      .pointer(16, new Uint8Array(ids.buffer))
      .u32(24, ids.length);
    bpf('PROG_QUERY', attribute, `${attachType} of "${cgroup}"`);
    return [...ids.subarray(0, attribute.read(24))];
  } finally {
    closeSync(folder);
  }
}

export interface LinkInfo {
  /** The number of its program. */
  readonly program: number;
  /** The inode of its control group; 0 when the link is detached or its group is gone. */
  readonly cgroup: bigint;
  readonly attachType: number;
}

export function linkInfo(link: number): LinkInfo {
  const info = new Uint8Array(32);
  bpf('OBJ_GET_INFO_BY_FD', new Attribute(16).u32(0, link).u32(4, info.length).pointer(8, info), 'link');
  const view = new DataView(info.buffer);
  return {
    program: view.getUint32(8, true),
    cgroup: view.getBigUint64(16, true),
    attachType: view.getUint32(24, true),
  };
}
