// The heaps of the threads of a Node.js process, with what is garbage collected before: asked of its debugger.
// Knows the inspector's protocol as far as that; nothing of what the threads do.

import { WebSocket } from 'ws';

/** Bytes in use, with the memory of buffers, by name of the thread; the main thread is `main`. */
export type Heaps = ReadonlyMap<string, number>;

interface Usage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly sessionId?: string;
    readonly message?: string;
    readonly workerInfo?: { readonly title: string };
  };
}

/** `inspector` is the address of its debugger, `ws://…`. */
export async function heapsOf(inspector: string): Promise<Heaps> {
  const socket = new WebSocket(inspector);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const workers = new Map<string, string>();
  const answers = new Map<string, (result: unknown) => void>();
  const receive = (message: Message, from: string): void => {
    const { id, method, params = {} } = message;
    if (id !== undefined) answers.get(`${from} ${id}`)?.(message.result);
    if (method === 'NodeWorker.attachedToWorker') workers.set(params.sessionId ?? '', params.workerInfo?.title ?? '');
    if (method === 'NodeWorker.receivedMessageFromWorker') {
      receive(JSON.parse(params.message ?? '{}') as Message, params.sessionId ?? '');
    }
  };
  socket.on('message', (data) => receive(JSON.parse(String(data)) as Message, ''));
  let count = 0;
  const call = <T>(worker: string, method: string, params: object = {}): Promise<T> => {
    const id = ++count;
    return new Promise<T>((resolve) => {
      answers.set(`${worker} ${id}`, resolve as (result: unknown) => void);
      const message = JSON.stringify({ id, method, params });
      if (worker === '') socket.send(message);
      else {
        const wrapped = {
          id: ++count,
          method: 'NodeWorker.sendMessageToWorker',
          params: { sessionId: worker, message },
        };
        socket.send(JSON.stringify(wrapped));
      }
    });
  };
  try {
    await call('', 'NodeWorker.enable', { waitForDebuggerOnStart: false });
    const heaps = new Map<string, number>();
    for (const [worker, name] of [['', 'main'] as const, ...workers]) {
      // What the first one finds may be held by what ends after it.
      for (let pass = 0; pass < 2; pass++) await call(worker, 'HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize = 0 } = await call<Usage>(worker, 'Runtime.getHeapUsage');
      heaps.set(name, usedSize + backingStorageSize);
    }
    return heaps;
  } finally {
    socket.close();
  }
}
