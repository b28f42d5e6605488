// What is answered to a frame, if anything: only questions, and only for addresses that are held.
// Pure: knows neither sockets nor interfaces but their addresses.
import { arpReply, decodeArp } from './wire/arp.ts';
import { BROADCAST, isMulticast, sameBytes } from './wire/ethernet.ts';
import { answerTo, decodeSolicitation } from './wire/ndp.ts';

export interface Place {
  readonly hardware: Uint8Array;
  readonly holds: (address: Uint8Array) => boolean;
}

export function answerArp(frame: Uint8Array, { hardware, holds }: Place): Uint8Array | undefined {
  const to = frame.subarray(0, 6);
  // A question to another host's hardware address is that one's to answer.
  if (!sameBytes(to, BROADCAST) && !sameBytes(to, hardware)) return undefined;
  // Our own frames come by here as well, whatever they carry.
  if (!isStranger(frame.subarray(6, 12), hardware)) return undefined;
  const message = decodeArp(frame);
  if (message?.operation !== 'request' || !isStranger(message.senderHardware, hardware)) return undefined;
  // Who announces an address asks nobody; an answer would only quarrel with it.
  if (sameBytes(message.senderAddress, message.targetAddress)) return undefined;
  return holds(message.targetAddress) ? arpReply(message, hardware) : undefined;
}

export function answerSolicitation(frame: Uint8Array, { hardware, holds }: Place): Uint8Array | undefined {
  const to = frame.subarray(0, 6);
  if (!isMulticast(to) && !sameBytes(to, hardware)) return undefined;
  const question = decodeSolicitation(frame);
  if (question === undefined || !isStranger(question.senderHardware, hardware)) return undefined;
  return holds(question.target) ? answerTo(question, hardware) : undefined;
}

/** Somebody one can write to, and not ourselves. */
function isStranger(sender: Uint8Array, hardware: Uint8Array): boolean {
  return !isMulticast(sender) && !sameBytes(sender, hardware);
}
