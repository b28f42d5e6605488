// The thread that answers for addresses and keeps the speakers' heartbeats, whatever the main thread is busy with.
// Does what messages say; decides nothing about who holds what.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { L2Metrics } from '../l2/metrics.ts';
import { Responder } from '../l2/responder.ts';
import { Heartbeats } from '../liveness/heartbeat.ts';
import { SilentNodes } from '../liveness/silent-nodes.ts';
import { type AnnouncerData, COUNTERS, type FromAnnouncer, type Opened, type ToAnnouncer } from './messages.ts';
import { Watch } from './watch.ts';

const port = parentPort;
if (port === null) throw new Error('The announcing thread was started as a program: start it as a worker');
const data = workerData as AnnouncerData;
const counters = new Int32Array(data.counters);
const tell = (message: FromAnnouncer): void => port.postMessage(message);
const metrics = new L2Metrics(data.metrics, (series) => tell({ kind: 'series', series }));

let responder: Responder | undefined;
let heartbeats: Heartbeats | undefined;
let silence: SilentNodes | undefined;
/** Of the peers that were told last. */
let version = 0;

/** Others may have announced what is held here. */
function paused(ms: number): void {
  responder?.announceAll();
  tell({ kind: 'paused', ms });
}

const watch = new Watch({
  clock: systemClock,
  beats: () => Atomics.load(counters, COUNTERS.beats),
  onFit: (isFit, ms) => {
    const log = logTo('liveness');
    if (isFit) {
      log.warn({ ms: Math.round(ms) }, 'The main thread goes on; this node is heard again');
      paused(ms);
    } else
      log.error(
        { ms: Math.round(ms) },
        'The main thread stands still: this node falls silent, so that others take over',
      );
  },
});

function tellAlive(): void {
  if (heartbeats === undefined) return;
  silence?.look();
  Atomics.store(counters, COUNTERS.refused, heartbeats.refused);
  tell({ kind: 'alive', version, names: heartbeats.alivePeers });
}

async function opening(of: Opened['of'], open: () => void | Promise<void>): Promise<void> {
  try {
    await open();
    tell({ kind: 'opened', of });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    tell({ kind: 'opened', of, failure: { message, ...(code === undefined ? {} : { code }) } });
  }
}

port.on('message', (message: ToAnnouncer) => {
  switch (message.kind) {
    case 'open_l2':
      void opening('l2', () => {
        responder = new Responder({
          interfaces: message.interfaces,
          clock: systemClock,
          log: logTo('l2'),
          metrics,
          onInterfaces: (names) => tell({ kind: 'interfaces', names }),
        });
      });
      break;
    case 'hold':
      responder?.hold(message.announcements);
      break;
    case 'announce_all':
      responder?.announceAll();
      break;
    case 'close_l2':
      responder?.close();
      break;
    case 'open_heartbeats':
      void opening('heartbeats', async () => {
        heartbeats = await Heartbeats.open({
          ...message.settings,
          clock: systemClock,
          onChange: tellAlive,
          onPause: paused,
          onRefused: (count) => Atomics.store(counters, COUNTERS.refused, count),
          isFit: () => watch.isFit,
        });
        if (message.settings.silence !== true) return;
        const onChange = (silent: ReadonlySet<string>, seeming: number): void =>
          tell({ kind: 'silent', names: [...silent].sort(), seeming });
        silence = new SilentNodes({ heartbeats, clock: systemClock, onChange });
      });
      break;
    case 'peers':
      ({ version } = message);
      heartbeats?.setPeers(message.peers);
      tellAlive();
      break;
    case 'leave':
      void heartbeats?.leave().then(() => tell({ kind: 'left' }));
      break;
    case 'close_heartbeats':
      silence?.close();
      heartbeats?.close();
      break;
    case 'end':
      responder?.close();
      silence?.close();
      heartbeats?.close();
      watch.close();
      // Nothing is left then that keeps the thread.
      port.close();
  }
});

/** Lines are written by the main thread, when it gets to it. */
function logTo(part: 'l2' | 'liveness'): Logger {
  const at =
    (level: 'debug' | 'error' | 'info' | 'warn'): Logger['info'] =>
    (fields, message) =>
      tell({ kind: 'log', level, part, fields, message });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logTo(part),
  };
}
