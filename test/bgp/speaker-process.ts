// A speaker as a process of its own, so that it can live in a namespace and be killed; driven by messages of its parent.
// Knows no test.
import type { LogFields, Logger } from '#lib/log.ts';
import type { Announcement } from '#traffic/announce/bgp/routes/announcement.ts';
import { type CloseOptions, createSpeaker, type SpeakerOptions } from '#traffic/announce/bgp/speaker.ts';
import { privateText } from '#traffic/model/private-text.ts';

/** Options as JSON: a password is a plain text here. */
export type PlainOptions = Omit<SpeakerOptions, 'peers' | 'log' | 'clock'> & {
  readonly peers: readonly (Omit<SpeakerOptions['peers'][number], 'password'> & { readonly password?: string })[];
};

export type Order =
  | { readonly do: 'announce'; readonly announcements: readonly Announcement[] }
  | { readonly do: 'status' }
  | { readonly do: 'metrics' }
  | { readonly do: 'setPeers'; readonly peers: PlainOptions['peers'] }
  /** Keeps the thread busy for so many milliseconds. */
  | { readonly do: 'work'; readonly ms: number }
  | { readonly do: 'close'; readonly options: CloseOptions };

const write =
  (level: string, base: LogFields) =>
  (fields: LogFields, message: string): void => {
    process.stderr.write(`${level} ${message} ${JSON.stringify({ ...base, ...fields })}\n`);
  };

function logger(base: LogFields): Logger {
  return {
    debug: () => {},
    info: write('info', base),
    warn: write('warn', base),
    error: write('error', base),
    child: (fields) => logger({ ...base, ...fields }),
  };
}

const peersOf = (peers: PlainOptions['peers']): SpeakerOptions['peers'] =>
  peers.map(({ password, ...peer }) => ({
    ...peer,
    ...(password === undefined ? {} : { password: privateText(password) }),
  }));

const options = JSON.parse(process.argv[2] ?? '') as PlainOptions;
const speaker = await createSpeaker({ ...options, peers: peersOf(options.peers), log: logger({}) });

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'announce':
      speaker.announce(order.announcements);
      return speaker.settled(10_000);
    case 'status':
      return speaker.status();
    case 'metrics':
      return speaker.metrics();
    case 'setPeers':
      return speaker.setPeers(peersOf(order.peers));
    case 'work': {
      const until = performance.now() + order.ms;
      while (performance.now() < until);
      return undefined;
    }
    case 'close':
      return speaker.close(order.options);
  }
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
  obey(order).then(
    (result) => process.send?.({ id, result }),
    (error: Error) => process.send?.({ id, error: error.message }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 });
