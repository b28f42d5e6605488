// Turns the text of command line options into values, or says what is wrong with it.
// Knows no command.
import { InvalidArgumentError } from 'commander';
import { readDuration } from '#lib/duration.ts';
import { canonicalIp } from '#lib/ip.ts';

/** `20s`, `1m30s`, `500ms`, `2h`, or plain seconds; milliseconds. */
export function parseDuration(text: string): number {
  const total = readDuration(text);
  if (total === undefined) throw new InvalidArgumentError('It is no duration: write e.g. 20s, 500ms or 1m30s.');
  return total;
}

/** A duration that may be none: `0`, `0s`. */
export function parseDelay(text: string): number {
  return /^0(ms|s|m|h)?$/.test(text) ? 0 : parseDuration(text);
}

/** 0 to 65535; 0 lets the system choose. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It is no port: use a number from 0 to 65535.');
  return port;
}

/** More than this one process cannot send, requests a second. */
const HIGHEST_RATE = 20_000;

export function parseRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === '' || !(rate > 0 && rate <= HIGHEST_RATE)) {
    throw new InvalidArgumentError(`It is no number above 0 and up to ${HIGHEST_RATE}: write e.g. 500.`);
  }
  return rate;
}

/** `70%` or `0.7`; above 0, up to 1. */
export function parseShare(text: string): number {
  const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text.trim() === '' || text === '%' || !(share > 0 && share <= 1)) {
    throw new InvalidArgumentError('It is no share above 0 and up to 1: write e.g. 70% or 0.7.');
  }
  return share;
}

/** How many times as fast: above 0 and up to 1000. */
export function parseFactor(text: string): number {
  const factor = Number(text);
  if (text.trim() === '' || !(factor > 0 && factor <= 1000)) {
    throw new InvalidArgumentError('It is no number above 0 and up to 1000: write e.g. 2 or 0.5.');
  }
  return factor;
}

export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('It is no whole number above 0: write e.g. 4.');
  return value;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `512MiB`, `2GiB`, `2G` or plain bytes, in powers of 1024; bytes. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])i?)?B?$/i.exec(text) ?? [];
  if (number === '') throw new InvalidArgumentError('It is no size: write e.g. 512MiB or 2GiB.');
  return Math.round(Number(number) * (SIZE_UNITS[unit.toUpperCase()] ?? 1));
}

/** An IP address, in its one spelling. */
export function parseAddress(text: string): string {
  const address = canonicalIp(text);
  if (address === undefined) {
    throw new InvalidArgumentError('It is no IP address: write e.g. 192.0.2.10 or 2001:db8::10.');
  }
  return address;
}

/** Addresses with commas between, each in its one spelling; several options add up. */
export function parseAddresses(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...parseList(text).map(parseAddress)];
}

/** Gathers an option that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Values with commas between. */
export function parseList(text: string): readonly string[] {
  const list = text.split(',').map((part) => part.trim());
  if (list.includes('')) throw new InvalidArgumentError('It has nothing before or after a comma.');
  return list;
}
