// Writes batches of elements and chains by netlink; what makes or rewrites the table itself goes by `nft`.
// Knows no rule of any Service.
import { errnoName, errnoText } from '#lib/sys/errno.ts';
import { type Batch, isEmpty, splitStructure } from '../batch.ts';
import { NftError } from '../nft.ts';
import type { Writer } from '../writer.ts';
import { type EncodedBatch, encodeBatch } from './batch-bytes.ts';
import { NfnetlinkSocket, type Refusal } from './nfnetlink-socket.ts';

const DOING = 'Change of the nftables rules';
const MOST_NAMED = 3;

export class NetlinkWriter implements Writer {
  readonly #netns: string | undefined;
  readonly #table: string;
  readonly #text: Writer;
  #socket: NfnetlinkSocket | undefined;

  constructor(netns: string | undefined, table: string, text: Writer) {
    this.#netns = netns;
    this.#table = table;
    this.#text = text;
  }

  async commit(batch: Batch): Promise<void> {
    await this.replace([batch]);
  }

  /**
   * What makes tables and their fixed rules first, of all families: `nft` looks at everything that is there. Nothing
   * leads from them to what is not there yet, and what was there before goes in the moment that its successor comes.
   */
  async replace(batches: readonly Batch[]): Promise<void> {
    const parts = batches.map((batch) => splitStructure(batch));
    const encoded = parts.map(([, rest]) => this.#encode(rest));
    const structures = parts.map(([structure]) => structure).filter((structure) => !isEmpty(structure));
    if (structures.length > 0) await this.#text.replace(structures);
    for (const one of encoded) this.#send(one);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#text.close();
  }

  #encode(batch: Batch): EncodedBatch {
    try {
      return encodeBatch(batch, this.#table);
    } catch (error) {
      if (error instanceof RangeError) throw new NftError(DOING, error.message);
      throw error;
    }
  }

  #send(encoded: EncodedBatch): void {
    if (encoded.count === 0) return;
    let refusals: readonly Refusal[];
    try {
      this.#socket ??= new NfnetlinkSocket(this.#netns);
      refusals = this.#socket.transact(encoded.bytes);
    } catch (error) {
      throw new NftError(DOING, (error as Error).message);
    }
    if (refusals.length === 0) return;
    const named = refusals.slice(0, MOST_NAMED).map(({ sequence, error, offset, words }) => {
      const said = words === '' ? '' : `: ${words}`;
      return `${encoded.describe(sequence, offset)}: ${errnoText(-error)} (${errnoName(-error)})${said}`;
    });
    throw new NftError(DOING, named.join('; '));
  }
}
