// What the driver calls its things in the kernel, for each owner: sets, chains, the device, and the range of its marks.
// Pure; the kernel bounds the length of each.
import { hash32 } from '#lib/hash.ts';

export interface Names {
  /** Beginning of the names of sets (31 letters in all) and, in upper case, of chains (28). */
  readonly prefix: string;
  /** The device that holds the addresses of Services; 15 letters. */
  readonly device: string;
  /** Marks lie from here to `LAST_MARK` beyond. */
  readonly firstMark: number;
}

export const LAST_MARK = 0xffff;
const MARKS = 0x0100_0000;

export function namesOf(owner: string | undefined): Names {
  // The device that people know from kube-proxy.
  if (owner === undefined) return { prefix: 'evenkeel', device: 'kube-ipvs0', firstMark: MARKS };
  const hash = hash32(owner);
  const id = hash.toString(16).padStart(8, '0');
  // Bits 16 to 23 tell owners apart; the highest byte says that the mark is ours.
  return { prefix: `ek-${id}`, device: `ipvs-${id}`, firstMark: MARKS | ((hash & 0xff) << 16) };
}

export function isOurMark({ firstMark }: Names, mark: number): boolean {
  return mark >= firstMark && mark <= firstMark + LAST_MARK;
}
