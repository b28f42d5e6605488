// The thread that BFD runs in: packets leave in time whatever else the process is busy with.
// Does what messages say; knows nothing of BGP.
import { parentPort } from 'node:worker_threads';
import { systemClock } from '#lib/clock.ts';
import type { FromBfd, ToBfd } from './messages.ts';
import { type BfdHandle, BfdService } from './service.ts';

const port = parentPort;
if (port === null) throw new Error('The thread of BFD was started as a program: start it as a worker');
const tell = (message: FromBfd): void => port.postMessage(message);
const service = new BfdService({
  clock: systemClock,
  random: Math.random,
  failed: (problem) => tell({ kind: 'failed', problem }),
});
const handles = new Map<number, BfdHandle>();

port.on('message', (message: ToBfd) => {
  if (message.kind === 'open') {
    const { id } = message;
    const handle = service.open(message.target, message.config, (failed) => {
      const { state, detectMs } = handle;
      tell({ kind: 'status', id, state, detectMs });
      if (failed) tell({ kind: 'lost', id });
    });
    handles.set(id, handle);
  } else if (message.kind === 'close') {
    handles.get(message.id)?.close();
    handles.delete(message.id);
  } else {
    for (const handle of handles.values()) handle.close();
    service.close();
    // Nothing is left then that keeps the thread, once its last packets have gone.
    port.close();
  }
});
