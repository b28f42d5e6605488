// The fabric of a cluster on this machine: made from a plan, node by node, and removed without a trace.
// Knows scripts and the file that remembers the plan; no process of a node.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Commands, createCommands } from '#kube/kubelet/network/commands.ts';
import type { Clock } from '#lib/clock.ts';
import { codeOf, Failure, messageOf } from '../../failure.ts';
import { checkConflicts, type MachineRoute } from './conflicts.ts';
import { type FabricPlan, type PlannedNode, plannedRanges } from './plan.ts';
import {
  cutNodeScript,
  dropAddressScript,
  holdAddressScript,
  leadNowhereScript,
  leadScript,
  ledRanges,
  makeFabricScript,
  makeNodeScript,
  removeFabricScript,
  removeNodeScript,
  serviceRangeScript,
} from './scripts.ts';

export class Fabric {
  #plan: FabricPlan;
  readonly #file: string;
  readonly #commands: Commands;

  private constructor(plan: FabricPlan, file: string, commands: Commands) {
    this.#plan = plan;
    this.#file = file;
    this.#commands = commands;
  }

  get plan(): FabricPlan {
    return this.#plan;
  }

  /**
   * `file` remembers the plan until all is removed again, so that what a crash leaves can be found. Throws a `Failure`
   * when a range is in use on this machine.
   */
  static async make(plan: FabricPlan, file: string, clock: Clock): Promise<Fabric> {
    const commands = createCommands(clock, plan.owner);
    await sweepFabric(file, clock);
    checkConflicts(plannedRanges(plan), await machineRoutes(commands));
    const fabric = new Fabric(plan, file, commands);
    fabric.#remember(plan);
    try {
      await commands.script(makeFabricScript(plan));
    } catch (error) {
      await fabric.remove();
      throw new Failure(
        `Cannot make the network of the nodes: ${messageOf(error)}`,
        'Choose --network loopback, which needs nothing of the kernel',
        { cause: error },
      );
    }
    return fabric;
  }

  async addNode(node: PlannedNode): Promise<void> {
    await this.#commands.script(removeNodeScript(this.plan, node.name));
    await this.#commands.script(makeNodeScript(this.plan, node));
  }

  /** Nothing that the node or its pods send arrives anywhere any more. */
  async cutNode(name: string): Promise<void> {
    await this.#commands.script(cutNodeScript(this.plan, name));
  }

  async removeNode(name: string): Promise<void> {
    await this.#commands.script(removeNodeScript(this.plan, name));
  }

  /** Brings an address of the fabric to the machine, which answers for it from now on. */
  async holdAddress(address: string): Promise<void> {
    await this.#commands.script(holdAddressScript(this.plan, address));
  }

  async dropAddress(address: string): Promise<void> {
    await this.#commands.script(dropAddressScript(this.plan, address));
  }

  /** The machine comes to Services by this node from now on; by nobody when left out. Rejects where it cannot be set. */
  async leadBy(node: PlannedNode | undefined): Promise<void> {
    const ranges = ledRanges(this.plan);
    await this.#commands.script(
      node === undefined ? leadNowhereScript(this.plan, ranges) : leadScript(this.plan, node, ranges),
    );
  }

  /** Throws a `Failure` when the range is in use on this machine. Who leads there is said afterwards (`leadBy`). */
  async addServiceRange(cidr: string): Promise<void> {
    checkConflicts([{ cidr, flag: 'ServiceCIDR' }], await machineRoutes(this.#commands));
    this.#remember({ ...this.plan, moreServiceCidrs: [...(this.plan.moreServiceCidrs ?? []), cidr] });
    await this.#commands.script(serviceRangeScript(this.plan, cidr, 'add'));
  }

  async removeServiceRange(cidr: string): Promise<void> {
    await this.#commands.script(leadNowhereScript(this.plan, [cidr]));
    await this.#commands.script(serviceRangeScript(this.plan, cidr, 'delete'));
    const left = (this.plan.moreServiceCidrs ?? []).filter((one) => one !== cidr);
    this.#remember({ ...this.plan, moreServiceCidrs: left });
  }

  /** On disk before anything of it is made. */
  #remember(plan: FabricPlan): void {
    this.#plan = plan;
    writeFileSync(this.#file, JSON.stringify(plan), { mode: 0o600, flush: true });
  }

  /** For a process that ends now: without a moment to wait. */
  removeNow(): void {
    spawnSync('sh', ['-es'], { input: removeFabricScript(this.plan), stdio: ['pipe', 'ignore', 'ignore'] });
    rmSync(this.#file, { force: true });
  }

  async remove(): Promise<void> {
    await this.#commands.script(removeFabricScript(this.plan));
    rmSync(this.#file, { force: true });
  }
}

/** Removes what an earlier run made and did not remove; whether there was any. Nothing may run in it any more. */
export async function sweepFabric(file: string, clock: Clock): Promise<boolean> {
  const plan = readPlan(file);
  if (plan === undefined) return false;
  await createCommands(clock, plan.owner).script(removeFabricScript(plan));
  rmSync(file, { force: true });
  return true;
}

function readPlan(file: string): FabricPlan | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as FabricPlan;
  } catch (error) {
    // Cut short by a crash: it was written before anything was made.
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function machineRoutes(commands: Commands): Promise<MachineRoute[]> {
  const lists = await Promise.all([
    commands.must(['ip', '-j', 'route', 'show', 'table', 'all']),
    commands.must(['ip', '-j', '-6', 'route', 'show', 'table', 'all']),
  ]);
  return lists.flatMap((text) => JSON.parse(text || '[]') as MachineRoute[]);
}
