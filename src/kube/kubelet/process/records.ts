// Which processes we started, on disk: so that the next run can end what a crash of ours left behind.
// Knows how to tell our process from another that got the same pid; knows nothing of pods.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnvironment, processesWithVariable, processStartTime, signalProcess } from './proc.ts';

/** Every process of a container carries its id in this variable. */
export const CONTAINER_ID_VARIABLE = 'EVENKEEL_CONTAINER_ID';

interface ProcessRecord {
  readonly id: string;
  readonly pid: number;
  readonly startTime: string;
}

/** Where the kubelet of a data directory keeps its records. */
export function recordsDir(dataDir: string): string {
  return join(dataDir, 'processes');
}

/** A process that multiplies must be outrun. */
const KILL_ROUNDS = 20;

/** One small file a container under `dir`. */
export class ProcessRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** Written before the process starts: a crash between its start and `add` must not leave it unknown. */
  announce(id: string): void {
    this.#write({ id, pid: 0, startTime: '' });
  }

  /** The process runs now: its pid finds it, and its group, without a look at every process. */
  add(id: string, pid: number): void {
    this.#write({ id, pid, startTime: processStartTime(pid) ?? '' });
  }

  #write(record: ProcessRecord): void {
    writeFileSync(join(this.#dir, `${record.id}.json`), JSON.stringify(record));
  }

  remove(id: string): void {
    rmSync(join(this.#dir, `${id}.json`), { force: true });
  }

  #all(): ProcessRecord[] {
    const records: ProcessRecord[] = [];
    for (const file of this.#files()) {
      if (!file.endsWith('.json')) continue;
      try {
        records.push(JSON.parse(readFileSync(join(this.#dir, file), 'utf8')) as ProcessRecord);
      } catch {
        // Cut short by the crash; the id in the file's name still finds the processes by their variable.
        records.push({ id: file.slice(0, -'.json'.length), pid: 0, startTime: '' });
      }
    }
    return records;
  }

  #files(): string[] {
    try {
      return readdirSync(this.#dir);
    } catch (error) {
      // Somebody removed the data directory under a running kubelet, which must not fall over for it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * Kills every process that belongs to a recorded container (of `only`, if given) and forgets the records. A leader is
   * killed with its group when pid, start time and variable all match; what left the group is found by the variable
   * alone, which holds an id that nobody else can have. Returns the pids that were sent SIGKILL; they end soon after.
   */
  sweep(only?: readonly string[]): Set<number> {
    const records = this.#all().filter(({ id }) => only === undefined || only.includes(id));
    const killed = new Set<number>();
    if (records.length === 0) return killed;
    for (const { id, pid, startTime } of records) {
      const ours =
        pid > 1 && processStartTime(pid) === startTime && hasEnvironment(pid, `${CONTAINER_ID_VARIABLE}=${id}`);
      if (ours && signalProcess(-pid, 'SIGKILL')) killed.add(pid);
    }
    const ids = new Set(records.map((record) => record.id));
    // Who was killed may have forked just before, and who is starting a program shows no variables for a moment.
    const enough = only === undefined ? 2 : 1;
    for (let round = 0, inVain = 0; inVain < enough && round < KILL_ROUNDS; round++) {
      const before = killed.size;
      for (const { pid, value } of processesWithVariable(CONTAINER_ID_VARIABLE)) {
        if (ids.has(value) && pid !== process.pid && signalProcess(pid, 'SIGKILL')) killed.add(pid);
      }
      inVain = killed.size === before ? inVain + 1 : 0;
    }
    for (const { id } of records) this.remove(id);
    return killed;
  }
}
