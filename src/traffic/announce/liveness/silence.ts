// Which nodes are silent: neither their speaker nor their kernel answers, and they are few enough to be the dead ones.
// Pure: a state machine of what others have found out; knows no socket and no clock.

export interface Findings {
  /** Nodes whose speaker was heard before and is no more. */
  readonly dead: readonly string[];
  /** Whether anything of the node still answers; asked of those in `dead`. */
  readonly answers: (node: string) => boolean;
  /** How many nodes there are to judge by: those ever heard, and this one. */
  readonly nodes: number;
}

const NOBODY: ReadonlySet<string> = new Set();

export class Silence {
  #fallen: ReadonlySet<string> = NOBODY;
  #silent: ReadonlySet<string> = NOBODY;

  /** Who is silent; nobody is, when more than half seem so: then it is this node that is cut off. */
  get silent(): ReadonlySet<string> {
    return this.#silent;
  }

  /** Nodes that seem silent, whether or not that counts. */
  get fallen(): ReadonlySet<string> {
    return this.#fallen;
  }

  /**
   * Whether something is different now, of those that seem silent or those that count. A node falls when nothing of it answers, and rises only when its speaker is heard
   * again (or gone from the cluster): a kernel that answers after a reboot has no pods yet.
   */
  judge({ dead, answers, nodes }: Findings): boolean {
    const fallen = dead.filter((node) => this.#fallen.has(node) || !answers(node));
    const changed = !same(fallen, this.#fallen);
    if (changed) this.#fallen = new Set(fallen);
    const silent = this.#fallen.size * 2 > nodes ? NOBODY : this.#fallen;
    if (same([...silent], this.#silent)) return changed;
    this.#silent = silent;
    return true;
  }
}

function same(names: readonly string[], set: ReadonlySet<string>): boolean {
  return names.length === set.size && names.every((name) => set.has(name));
}
