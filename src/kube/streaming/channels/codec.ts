// How a message of the channel protocols names its channel: a first byte, or a digit before Base64.
// Pure.

export interface ChannelProtocol {
  readonly base64: boolean;
  /** 5: the client can say that it will send no more on a channel. */
  readonly version: 1 | 4 | 5;
}

const CLOSE_SIGNAL = 255;
const ZERO = 0x30;

export const channelProtocols: Readonly<Record<string, ChannelProtocol>> = {
  'v5.channel.k8s.io': { base64: false, version: 5 },
  'v4.channel.k8s.io': { base64: false, version: 4 },
  'v4.base64.channel.k8s.io': { base64: true, version: 4 },
  'channel.k8s.io': { base64: false, version: 1 },
  'base64.channel.k8s.io': { base64: true, version: 1 },
  '': { base64: false, version: 1 },
};

export type ChannelMessage = { readonly channel: number; readonly data: Buffer } | { readonly closes: number };

/** `undefined` for a message that says nothing. */
export function decodeMessage(message: Buffer, { base64, version }: ChannelProtocol): ChannelMessage | undefined {
  const first = message[0];
  if (first === undefined) return undefined;
  if (base64) return { channel: first - ZERO, data: Buffer.from(message.toString('latin1', 1), 'base64') };
  if (version === 5 && first === CLOSE_SIGNAL) return message[1] === undefined ? undefined : { closes: message[1] };
  return { channel: first, data: message.subarray(1) };
}

/** A text for Base64, bytes otherwise. */
export function encodeMessage(channel: number, data: Buffer, { base64 }: ChannelProtocol): Buffer | string {
  if (base64) return `${String.fromCharCode(ZERO + channel)}${data.toString('base64')}`;
  return Buffer.concat([Buffer.from([channel]), data]);
}
