// What keeps the store small while the server runs: history is compacted, old Events go.
// Knows intervals; how it is done is the store's matter.
import type { ServerContext } from './context.ts';

/** As upstream: a watch may resume from five minutes ago. */
const COMPACT_EVERY_MS = 5 * 60_000;
/** As upstream's default event TTL. */
const EVENT_LIFETIME_MS = 60 * 60_000;

/** How soon history gives way when the store has reached its quota. */
const MAKE_ROOM_EVERY_MS = 5_000;

/** Runs until the returned function is called. */
export function startMaintenance(server: ServerContext): () => void {
  const stops = [startCompaction(server), startMakingRoom(server)];
  return () => {
    for (const stop of stops) stop();
  };
}

/** What was deleted takes its room until it is history that nobody may ask for: under the quota's alarm, at once. */
function startMakingRoom({ clock, store, log, closing }: ServerContext): () => void {
  let told = false;
  return clock.every(MAKE_ROOM_EVERY_MS, () => {
    const { alarm } = store.health();
    if (alarm !== undefined && !told) log.error({ alarm: alarm.alarm }, alarm.message);
    if (alarm === undefined && told) log.info({}, 'The store takes writes again');
    told = alarm !== undefined;
    if (alarm?.alarm !== 'quota') return;
    store.compact(store.revision()).catch((error: unknown) => {
      if (!closing.aborted) log.error({ error }, 'Cannot compact the store');
    });
  });
}

function startCompaction(server: ServerContext): () => void {
  let atLastRun = server.store.revision();
  return server.clock.every(COMPACT_EVERY_MS, () => {
    const until = atLastRun;
    atLastRun = server.store.revision();
    Promise.all([server.store.compact(until), dropOldEvents(server)]).catch((error: unknown) => {
      if (!server.closing.aborted) server.log.error({ error }, 'Cannot compact the store');
    });
  });
}

async function dropOldEvents({ registry, clock }: ServerContext): Promise<void> {
  const { collection } = registry.builtin('', 'v1', 'events');
  const oldest = clock.wall() - EVENT_LIFETIME_MS;
  const old = collection.list().filter(({ object }) => {
    const { lastTimestamp, eventTime } = object;
    const last = [lastTimestamp, eventTime, object.metadata?.creationTimestamp].find(
      (time) => typeof time === 'string',
    );
    return Date.parse(String(last)) < oldest;
  });
  await Promise.all(old.map(({ key, revision }) => collection.delete(key, revision)));
}
