// `evenkeel top`: what the Services of a gateway are doing, live on a terminal or once for a pipe.
// Knows options and where to look; what is seen is put together elsewhere.
import { existsSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { Command, Option } from 'commander';
import { createInformers } from '#kube/client/informer.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { defaultAdmin } from '../../explain/from-admin.ts';
import { Failure } from '../../failure.ts';
import { dataDirAt } from '../../main/data-dir.ts';
import { pause } from '../../pause.ts';
import { adminOf } from '../../top/admin.ts';
import { watchLive } from '../../top/live.ts';
import { type Replicas, replicasOf } from '../../top/replicas.ts';
import { rowsBetween } from '../../top/rows.ts';
import { adminUrl, takeSample } from '../../top/sample.ts';
import { ORDERS, type Order, sorted, tableOf } from '../../top/screen.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { signalled } from '../signals.ts';
import { parseDuration } from '../values.ts';

interface Options extends ConnectOptions {
  readonly admin?: string;
  readonly namespace?: string;
  readonly interval: number;
  readonly sort: Order;
  readonly once: boolean;
  readonly output?: 'json';
}

export function topCommand(): Command {
  return new Command('top')
    .summary('watch Services live: rates, errors, latencies, replicas, and who is out')
    .description(
      'Shows every Service that the gateway balances: HTTP requests and TCP connections a second, the share that failed (5xx, or no answer), latencies of the requests of the last interval, requests in flight, replicas ready and wanted, what an autoscaler may do (and wants, where it differs), and who is ejected, unhealthy or drained. Below stand the pods of the Service that is chosen.\n\nOn a terminal it is live; up and down choose, s sorts, q quits. Elsewhere, and with --once, it looks twice, an interval apart, and prints what happened between.',
    )
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .addOption(
      new Option('--interval <time>', 'from one look to the next').argParser(parseDuration).default(1000, '1s'),
    )
    .addOption(new Option('--sort <order>', 'what stands first').choices(ORDERS).default('rate'))
    .option('--once', 'print once and end', false)
    .addOption(new Option('-o, --output <format>', 'print once, as data').choices(['json']))
    .option('--admin <url>', `admin page of the gateway (default: that of the cluster, else ${defaultAdmin})`)
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--kubeconfig <file>', 'where replicas and autoscalers are read')
    .option('--context <name>', 'context of that kubeconfig')
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel top
  $ evenkeel top -n shop --sort p99
  $ evenkeel top --once --interval 5s -o json`,
    )
    .action(top);
}

async function top(options: Options): Promise<void> {
  const admin = adminUrl(options.admin ?? adminOf(options.data) ?? defaultAdmin);
  const take = () => takeSample(admin);
  const { replicas, known, close } = await readReplicas(options);
  const stop = signalled(['SIGINT', 'SIGTERM'], () => {});
  try {
    const live = process.stdout.isTTY && process.stdin.isTTY && !options.once && options.output === undefined;
    if (live) {
      await watchLive({
        input: process.stdin as ReadStream,
        output: process.stdout as WriteStream,
        intervalMs: options.interval,
        order: options.sort,
        signal: stop,
        take,
        replicas,
        ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      });
      return;
    }
    await known;
    const before = await take();
    await pause(options.interval, stop);
    const namespace = options.namespace === undefined ? {} : { namespace: options.namespace };
    const view = { order: options.sort, chosen: 0, colors: false, columns: 0, rows: 0, ...namespace };
    const rows = sorted(rowsBetween(before, await take()), view);
    if (rows.length === 0 && options.namespace !== undefined) {
      throw new Failure(
        `The gateway balances no Service of namespace "${options.namespace}"`,
        'Leave --namespace out to see all',
      );
    }
    process.stdout.write(
      options.output === 'json'
        ? `${JSON.stringify(
            rows.map((row) => ({ ...row, replicas: replicas(row.name) })),
            null,
            2,
          )}\n`
        : tableOf(rows, replicas),
    );
  } finally {
    await close();
  }
}

const PATIENCE_MS = 3000;

/** Without a cluster to ask, as beside a gateway that runs alone, replicas are what the gateway knows of endpoints. */
async function readReplicas(options: Options): Promise<{
  replicas: (cluster: string) => Replicas | undefined;
  known: Promise<unknown>;
  close: () => Promise<void>;
}> {
  const named = options.kubeconfig !== undefined || options.data !== undefined || process.env.KUBECONFIG !== undefined;
  const wanted = named || (options.admin === undefined && existsSync(dataDirAt(undefined).kubeconfig));
  if (!wanted) return { replicas: () => undefined, known: Promise.resolve(), close: async () => {} };
  const { client } = await connect(options);
  const informers = createInformers(client, { clock: systemClock, log: silentLogger });
  const replicas = replicasOf(informers);
  informers.start();
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
  // A cluster that does not answer hides no traffic.
  const known = Promise.race([informers.synced().catch(() => {}), late]);
  return {
    replicas,
    known,
    close: async () => {
      await informers.stop();
      await client.close();
    },
  };
}
