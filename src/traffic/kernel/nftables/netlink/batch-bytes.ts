// A batch as the bytes of one nfnetlink transaction: chains and their rules, then elements, then what goes.
// Knows which part of the bytes is which object, so that an error of the kernel can name it; sends nothing.
import type { Family } from '#lib/ip.ts';
import type { Batch, Element } from '../batch.ts';
import { dialectOf } from '../layout.ts';
import { writeElement } from './element-bytes.ts';
import { elementName } from './element-text.ts';
import { LITTLE, LONGEST_ATTRIBUTE, MessageBytes } from './message-bytes.ts';
import * as wire from './protocol.ts';
import { writeRule } from './rule-bytes.ts';

/** Longer than any element: a front with two addresses of IPv6, a verdict and the longest name of a chain. */
const LONGEST_ELEMENT = 512;
const GENERIC_BYTES = 4;

export interface EncodedBatch {
  readonly bytes: Uint8Array;
  /** Messages between begin and end. */
  readonly count: number;
  /** What the message with this number is about; `offset` is where in it the kernel found the fault. */
  describe(sequence: number, offset: number): string;
}

/** Throws a RangeError for what is not written by netlink; what makes the table (`declared`, `structure`) is nobody's here. */
export function encodeBatch(batch: Batch, table: string): EncodedBatch {
  const encoder = new BatchEncoder(batch.family, table);
  encoder.write(batch);
  return encoder.end();
}

interface Message {
  readonly at: number;
  readonly what: string;
  /** Of elements; empty otherwise. */
  readonly set: string;
}

class BatchEncoder {
  readonly #family: Family;
  readonly #table: string;
  readonly #out = new MessageBytes(16_384);
  /** By sequence number. */
  readonly #messages: Message[] = [];

  constructor(family: Family, table: string) {
    this.#family = family;
    this.#table = table;
    this.#limit(wire.NFNL_MSG_BATCH_BEGIN, 0);
  }

  write({ emptied, chains, removed, added, gone }: Batch): void {
    for (const set of emptied) this.#elements(set, wire.DELSETELEM, undefined, 0);
    for (const { name } of chains) this.#chain(wire.NEWCHAIN, wire.NLM_F_CREATE, name);
    for (const chain of chains) {
      this.#flushChain(chain.name);
      for (const rule of chain.rules) this.#rule(chain.name, rule);
    }
    this.#grouped(wire.DELSETELEM, removed);
    this.#grouped(wire.NEWSETELEM, added);
    // Emptied first: one of them may lead to another.
    for (const name of gone) this.#flushChain(name);
    for (const name of gone) this.#chain(wire.DELCHAIN, 0, name);
  }

  end(): EncodedBatch {
    const last = this.#messages.at(-1);
    const view = this.#out.view;
    // The kernel answers the last change, if nothing went wrong before.
    if (last !== undefined) {
      view.setUint16(last.at + 6, view.getUint16(last.at + 6, LITTLE) | wire.NLM_F_ACK, LITTLE);
    }
    this.#limit(wire.NFNL_MSG_BATCH_END, this.#messages.length + 1);
    const bytes = this.#out.written();
    const messages = this.#messages;
    const where = ` in table ${dialectOf(this.#family).ip} ${this.#table}`;
    return {
      bytes,
      count: messages.length,
      describe: (sequence, offset) => {
        const message = messages[sequence - 1];
        if (message === undefined) return `the transaction${where}`;
        const element =
          message.set === '' || offset === 0 ? undefined : elementName(bytes, message.at + offset, message.set);
        return `${element === undefined ? '' : `element "${element}" of `}${message.what}${where}`;
      },
    };
  }

  /** Elements of one set follow one another; a message holds as many as an attribute's length can say. */
  #grouped(type: number, elements: Iterable<Element>): void {
    const open = new Map<string, MessageBytes>();
    for (const element of elements) {
      let items = open.get(element.set);
      if (items === undefined) {
        items = new MessageBytes(LONGEST_ELEMENT);
        open.set(element.set, items);
      }
      if (items.length + LONGEST_ELEMENT > LONGEST_ATTRIBUTE) {
        this.#elements(element.set, type, items.bytes, items.length);
        items.clear();
      }
      writeElement(items, this.#family, element, type === wire.DELSETELEM);
    }
    for (const [set, items] of open) this.#elements(set, type, items.bytes, items.length);
  }

  #elements(set: string, type: number, items: Uint8Array | undefined, length: number): void {
    const flags = type === wire.NEWSETELEM ? wire.NLM_F_CREATE : 0;
    const at = this.#begin(type, flags, `${set}`, set);
    this.#out.text(wire.ELEMENTS.table, this.#table);
    this.#out.text(wire.ELEMENTS.set, set);
    if (items !== undefined) {
      const list = this.#out.beginNest(wire.ELEMENTS.elements);
      const place = this.#out.reserve(length);
      this.#out.bytes.set(items.subarray(0, length), place);
      this.#out.endNest(list);
    }
    this.#out.endMessage(at);
  }

  #chain(type: number, flags: number, name: string): void {
    const at = this.#begin(type, flags, `chain ${name}`);
    this.#out.text(wire.CHAIN.table, this.#table);
    this.#out.text(wire.CHAIN.name, name);
    this.#out.endMessage(at);
  }

  #flushChain(name: string): void {
    const at = this.#begin(wire.DELRULE, 0, `the rules of chain ${name}`);
    this.#out.text(wire.RULE.table, this.#table);
    this.#out.text(wire.RULE.chain, name);
    this.#out.endMessage(at);
  }

  #rule(chain: string, rule: string): void {
    const at = this.#begin(wire.NEWRULE, wire.NLM_F_CREATE | wire.NLM_F_APPEND, `rule "${rule}" of chain ${chain}`);
    this.#out.text(wire.RULE.table, this.#table);
    this.#out.text(wire.RULE.chain, chain);
    const list = this.#out.beginNest(wire.RULE.expressions);
    writeRule(this.#out, this.#family, rule);
    this.#out.endNest(list);
    this.#out.endMessage(at);
  }

  #begin(type: number, flags: number, what: string, set = ''): number {
    const at = this.#out.beginMessage(type, wire.NLM_F_REQUEST | flags, this.#messages.length + 1);
    this.#out.bytes[this.#out.reserve(GENERIC_BYTES)] = wire.NFPROTO[this.#family];
    this.#messages.push({ at, what, set });
    return at;
  }

  #limit(type: number, sequence: number): void {
    const at = this.#out.beginMessage(type, wire.NLM_F_REQUEST, sequence);
    const generic = this.#out.reserve(GENERIC_BYTES);
    this.#out.view.setUint16(generic + 2, wire.NFNL_SUBSYS_NFTABLES);
    this.#out.endMessage(at);
  }
}
