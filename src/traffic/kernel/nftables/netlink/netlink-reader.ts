// Reads the kernel's table by netlink, a portion at a time, so that a large one takes neither memory nor the event loop.
// Sets that hold what they should are only summed up; the elements of others are read one by one.
import type { Family } from '#lib/ip.ts';
import type { FamilyTable } from '../family-table.ts';
import { RANGE_SETS, SET_KINDS, type SetName } from '../layout.ts';
import type { Nft } from '../nft.ts';
import { type ReadTable, readSet, type TableReader } from '../read-table.ts';
import { Digest } from './digest.ts';
import { writeElement } from './element-bytes.ts';
import { eachAttribute, elementWords } from './element-text.ts';
import { MessageBytes } from './message-bytes.ts';
import { ListingError, NfnetlinkSocket } from './nfnetlink-socket.ts';
import * as wire from './protocol.ts';

/** Elements summed up before others have a turn: a few milliseconds. */
const PORTION = 2_000;
/** Somebody may write while we list; then it is listed again. */
const MOST_ROUNDS = 5;
const BODY_AT = 20;
const ENOENT = 2;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class NetlinkReader implements TableReader {
  readonly #nft: Nft;
  readonly #netns: string | undefined;
  readonly #table: string;

  constructor(nft: Nft, netns: string | undefined, table: string) {
    this.#nft = nft;
    this.#netns = netns;
    this.#table = table;
  }

  async read(family: FamilyTable): Promise<ReadTable | undefined> {
    const socket = new NfnetlinkSocket(this.#netns);
    try {
      const chains = await this.#chains(socket, family.family);
      return chains.size === 0 ? undefined : { chains, ...(await this.#sets(socket, family)) };
    } catch (error) {
      // Of a table that lacks something, all is missing.
      if (error instanceof ListingError && error.errno === ENOENT) return undefined;
      throw error;
    } finally {
      socket.close();
    }
  }

  async #sets(socket: NfnetlinkSocket, family: FamilyTable): Promise<Pick<ReadTable, 'sets' | 'sound'>> {
    const wanted = await expected(family);
    const sets = new Map<string, ReadonlyMap<string, string>>();
    const sound = new Set<string>();
    for (const set of Object.keys(SET_KINDS) as SetName[]) {
      // A few borders between ranges, which mean something only together: `nft` knows how.
      if (RANGE_SETS.has(set)) {
        sets.set(set, await readSet(this.#nft, family.family, this.#table, set));
        continue;
      }
      const found = await this.#digest(socket, family.family, set);
      if (found.equals(wanted.get(set) ?? new Digest())) sound.add(set);
      else sets.set(set, await this.#elements(socket, family.family, set));
    }
    return { sets, sound };
  }

  async #digest(socket: NfnetlinkSocket, family: Family, set: SetName): Promise<Digest> {
    return await this.#listSet(socket, family, set, () => {
      const digest = new Digest();
      return { result: digest, take: (view, at, end) => digest.add(view, at, end) };
    });
  }

  async #elements(socket: NfnetlinkSocket, family: Family, set: SetName): Promise<ReadonlyMap<string, string>> {
    return await this.#listSet(socket, family, set, () => {
      const elements = new Map<string, string>();
      return {
        result: elements,
        take: (view, at, end) => {
          const words = elementWords(view, at, end, set);
          if (words !== undefined) elements.set(words.key, words.value);
        },
      };
    });
  }

  async #listSet<T>(
    socket: NfnetlinkSocket,
    family: Family,
    set: SetName,
    begin: () => { readonly result: T; readonly take: (view: DataView, at: number, end: number) => void },
  ): Promise<T> {
    const request = this.#request(wire.GETSETELEM, family, set);
    for (let round = 1; ; round++) {
      const { result, take } = begin();
      const whole = await socket.list(
        request,
        (view, at, end) => {
          eachAttribute(view, at + BODY_AT, end, (type, from, to) => {
            if (type === wire.ELEMENTS.elements)
              eachAttribute(view, from, to, (_, first, last) => take(view, first, last));
          });
        },
        turn,
      );
      if (whole) return result;
      if (round === MOST_ROUNDS) throw new Error(`${set} was changed by somebody else whenever it was read`);
    }
  }

  /** Handles of the rules by chain. */
  async #chains(socket: NfnetlinkSocket, family: Family): Promise<ReadonlyMap<string, readonly number[]>> {
    const chains = new Map<string, number[]>();
    await socket.list(
      this.#request(wire.GETCHAIN, family),
      (view, at, end) => {
        const { table, third } = namesOf(view, at + BODY_AT, end);
        if (table === this.#table) chains.set(third, []);
      },
      turn,
    );
    await socket.list(
      this.#request(wire.GETRULE, family),
      (view, at, end) => {
        const { table, second, handle } = namesOf(view, at + BODY_AT, end);
        if (table === this.#table) chains.get(second)?.push(handle);
      },
      turn,
    );
    return chains;
  }

  #request(type: number, family: Family, set?: string): Uint8Array {
    const out = new MessageBytes(128);
    const at = out.beginMessage(type, wire.NLM_F_REQUEST | wire.NLM_F_DUMP, 0);
    out.bytes[out.reserve(4)] = wire.NFPROTO[family];
    if (type !== wire.GETCHAIN) out.text(1, this.#table);
    if (set !== undefined) out.text(wire.ELEMENTS.set, set);
    out.endMessage(at);
    return out.written();
  }
}

/** What the sets should hold. */
async function expected(family: FamilyTable): Promise<ReadonlyMap<SetName, Digest>> {
  const digests = new Map<SetName, Digest>();
  const out = new MessageBytes(512);
  let count = 0;
  for (const element of family.elements()) {
    if (RANGE_SETS.has(element.set)) continue;
    let digest = digests.get(element.set);
    if (digest === undefined) {
      digest = new Digest();
      digests.set(element.set, digest);
    }
    out.clear();
    writeElement(out, family.family, element, false);
    // Behind the header of the list item.
    digest.add(out.view, 4, out.length);
    if (++count % PORTION === 0) await turn();
  }
  return digests;
}

/** The table of a chain or rule, what its second and third attribute say, and the handle of a rule. */
function namesOf(
  view: DataView,
  at: number,
  end: number,
): { table: string; second: string; third: string; handle: number } {
  let [table, second, third, handle] = ['', '', '', 0];
  eachAttribute(view, at, end, (type, from, to) => {
    const text = (): string => String.fromCharCode(...new Uint8Array(view.buffer, from, Math.max(0, to - from - 1)));
    if (type === 1) table = text();
    if (type === 2) second = text();
    if (type === 3) {
      third = text();
      if (to - from === 8) handle = Number(view.getBigUint64(from));
    }
  });
  return { table, second, third, handle };
}
