// A switch of protocols: whether both sides mean the same, and what follows.
// Knows only what the two `Upgrade` headers say.

import { failures } from '../upstream/failure.ts';
import type { ClientStream } from './client-stream.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** The backend has said 101: bytes flow from now on, or the try has failed. */
export function switchProtocols(stream: UpstreamStream, client: ClientStream): void {
  if (agrees(stream.head.upgrade, client.head.upgrade)) {
    stream.becomeTunnel();
    client.becomeTunnel(stream.head);
  } else {
    stream.fail(failures.protocol);
  }
}

/** The backend's `name` has to be one out of the list `asked` of the client. */
function agrees(name: string, asked: string): boolean {
  if (name === '' || asked === '') return false;
  const wanted = name.toLowerCase();
  return asked.split(',').some((one) => one.trim().toLowerCase() === wanted);
}
