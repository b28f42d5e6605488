// `evenkeel explain`: what would become of a request, and why, from the running gateway or from a file alone.
// Knows options and printing; the explanation is made elsewhere.
import { Command, Option } from 'commander';
import type { Explanation, Question } from '#traffic/proxy/explain/explanation.ts';
import { defaultAdmin } from '../../explain/from-admin.ts';
import { type Asked, questionOf } from '../../explain/question.ts';
import { Failure, UsageFailure } from '../../failure.ts';
import { dataDirAt } from '../../main/data-dir.ts';
import { readInstance } from '../../main/instance-lock.ts';
import { gatewayListeners } from '../../main/network.ts';
import { formatProblem } from '../../manifests/format.ts';
import { collect, parseList } from '../values.ts';

interface Options {
  readonly header: readonly string[];
  readonly method: string;
  readonly listener?: string;
  readonly client?: string;
  readonly config?: string;
  readonly filename?: readonly string[];
  readonly recursive: boolean;
  readonly admin?: string;
  readonly data?: string;
  readonly output?: 'json' | 'yaml';
  readonly from?: string;
  readonly to?: string;
  readonly proto?: string;
  readonly node?: string;
  readonly serviceCidr?: readonly string[];
  readonly clusterCidr?: readonly string[];
  readonly detectLocalMode?: 'ClusterCIDR' | 'NodeCIDR' | 'None';
  readonly nodeportAddresses?: readonly string[];
  readonly masqueradeAll: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function explainCommand(): Command {
  return new Command('explain')
    .summary('say what would become of a request or a packet, and why')
    .description(
      'Says where a request would go, and sends none: the listener, the virtual host, the route and why it wins, the routes that came close, the filters in the order in which they run, the clusters, and each endpoint with its state, its load and the chance it has.\n\nThe running gateway is asked, so that its state counts; with --config a configuration file alone is, with -f Kubernetes manifests are, with the pods that they ask for. That a request is refused or not found is an answer like any other: exit code 0.\n\nWith --from and --to it says what the Services of a cluster do with a packet that opens a connection: the verdict, every step, and the chance of each endpoint, by the rules of the node that the packet meets first.',
    )
    .argument('[url]', 'the request, e.g. http://127.0.0.1:8080/api?page=2')
    .addOption(
      new Option('--from <source>', 'the packet comes from this address, or this pod: namespace/name').conflicts([
        'config',
        'admin',
        'listener',
        'client',
      ]),
    )
    .option('--to <address:port>', 'where the packet goes, e.g. 10.96.0.10:80 or [fd00::1]:80')
    .option('--proto <name>', 'protocol of the packet: tcp, udp or sctp (default: tcp)')
    .option(
      '--node <name>',
      "whose rules the packet meets (default: the node of that address, else the sender's, else who answers for a load-balancer address)",
    )
    .addOption(
      new Option('--service-cidr <range,...>', 'addresses of Services: those that none has are dropped').argParser(
        parseList,
      ),
    )
    .addOption(
      new Option(
        '--cluster-cidr <range,...>',
        'who counts as a pod, as the service proxies have it (default: pods of the node whose rules the packet meets)',
      ).argParser(parseList),
    )
    .addOption(
      new Option(
        '--detect-local-mode <mode>',
        'who counts as a pod, as the service proxies have it: any of --cluster-cidr, those of this node, nobody',
      ).choices(['ClusterCIDR', 'NodeCIDR', 'None']),
    )
    .addOption(
      new Option(
        '--nodeport-addresses <range,...>',
        'where node ports answer, as the service proxies have it (default: primary)',
      ).argParser(parseList),
    )
    .option('--masquerade-all', 'the service proxies masquerade whoever uses a ClusterIP', false)
    .option('--kubeconfig <file>', 'with --from: the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .addOption(
      new Option(
        '-H, --header <name: value>',
        "a header, also as name=value; may be repeated. Host stands for the URL's",
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .option('-X, --method <name>', 'HTTP method', 'GET')
    .option('--listener <name>', 'the listener it arrives at, where the port of the URL does not say')
    .option('--client <address>', 'IP address of the client (default: 127.0.0.1)')
    .addOption(new Option('-c, --config <file>', 'explain this file of "evenkeel gateway" alone').conflicts('admin'))
    .addOption(
      new Option('-f, --filename <path>', 'explain Kubernetes manifests alone: a file or directory; may be repeated')
        .argParser(collect)
        .conflicts(['admin', 'config', 'data']),
    )
    .option('-R, --recursive', 'with --filename: look below directories as well', false)
    .option('--admin <url>', `admin page of the gateway to ask (default: ${defaultAdmin})`)
    .addOption(
      new Option('--data <dir>', 'ask the gateway of the cluster that runs on this data directory').conflicts([
        'admin',
        'config',
      ]),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['json', 'yaml']))
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel explain http://shop.localhost:8080/api/cart
  $ evenkeel explain http://127.0.0.1:8080/ -H 'Host: shop.local' -H x-canary=yes --method POST
  $ evenkeel explain https://shop.example.com/ --listener secure --config gateway.yaml
  $ evenkeel explain http://shop.local:8080/api/cart -f examples/shop/k8s
  $ evenkeel explain http://127.0.0.1:8080/ --admin http://127.0.0.1:9902 -o json
  $ evenkeel explain --from shop/storefront-7d9c-x2k4 --to 10.96.0.10:53 --proto udp
  $ evenkeel explain --from 198.51.100.7 --to 192.0.2.1:30080 --node n1 -o yaml`,
    )
    .action(async (url: string | undefined, options: Options) => {
      process.exitCode = await explainEither(url, options);
    });
}

async function explainEither(url: string | undefined, options: Options): Promise<number> {
  const { from, to, proto, node } = options;
  if (from === undefined && to === undefined) {
    if (url !== undefined) return explain(url, options);
    throw new UsageFailure('Nothing to explain', 'Give the URL of a request, or --from and --to of a packet');
  }
  if (url !== undefined) throw new UsageFailure('Both a URL and a packet are given', 'Ask for one of them at a time');
  if (from === undefined || to === undefined) {
    throw new UsageFailure(
      'Only one of --from and --to is given',
      'Give both, e.g. --from 10.244.1.5 --to 10.96.0.10:80',
    );
  }
  const { explainPacketOf } = await import('../../explain/packet-objects.ts');
  const asked = { from, to, ...(proto === undefined ? {} : { proto }), ...(node === undefined ? {} : { node }) };
  const { explanation, problems } = await explainPacketOf(asked, options);
  for (const line of problems) process.stderr.write(`${line}\n`);
  if (options.output === 'json') process.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`);
  else if (options.output === 'yaml') process.stdout.write((await import('yaml')).stringify(explanation));
  else process.stdout.write((await import('../../explain/format-packet.ts')).formatPacket(explanation));
  return 0;
}

async function explain(url: string, options: Options): Promise<number> {
  const { header, method, listener, client, config, output } = options;
  const asked: Asked = {
    url,
    method,
    headers: header,
    ...(listener === undefined ? {} : { listener }),
    ...(client === undefined ? {} : { client }),
  };
  // Checked here as well, so that wrong usage is told without a gateway.
  const question = questionOf(asked);
  let explanation: Explanation;
  if (options.filename !== undefined) {
    explanation = await fromManifests(question, options.filename, options.recursive);
  } else if (config === undefined) {
    const { askAdmin } = await import('../../explain/from-admin.ts');
    explanation = await askAdmin(options.admin ?? adminOf(options.data), asked);
  } else {
    const { ConfigFile } = await import('../../gateway/config-file.ts');
    const { outcome } = new ConfigFile(config).read();
    if ('problems' in outcome) {
      for (const problem of outcome.problems) process.stderr.write(`${formatProblem(problem)}\n`);
      return 2;
    }
    const { explainModel } = await import('../../explain/from-config.ts');
    explanation = explainModel(outcome.config.model, question, outcome.config.limits);
  }
  await print(explanation, output);
  return 0;
}

/** What is wrong with the manifests goes to standard error: the rest of them is explained. */
async function fromManifests(question: Question, paths: readonly string[], recursive: boolean): Promise<Explanation> {
  const [{ readManifests }, { explainManifests }] = await Promise.all([
    import('../../manifests/read.ts'),
    import('../../explain/from-manifests.ts'),
  ]);
  const { objects, problems } = await readManifests(paths, { recursive });
  const listeners = gatewayListeners({ http: 8080, https: 8443 });
  const outcome = explainManifests(
    objects.map(({ object }) => object),
    listeners,
    question,
  );
  for (const line of [...problems.map(formatProblem), ...outcome.problems]) process.stderr.write(`${line}\n`);
  return outcome.explanation;
}

/** Of the cluster that runs on a data directory; the usual one when none is named. */
function adminOf(dir: string | undefined): string {
  if (dir === undefined) return defaultAdmin;
  const { lock, root } = dataDirAt(dir);
  const admin = readInstance(lock)?.adminUrl;
  if (admin !== undefined) return admin;
  throw new Failure(
    `No cluster runs on the data directory "${root}"`,
    'Start it there with "evenkeel up --data", or name the directory of another one with --data',
  );
}

async function print(explanation: Explanation, output: Options['output']): Promise<void> {
  if (output === 'json') process.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`);
  else if (output === 'yaml') process.stdout.write((await import('yaml')).stringify(explanation));
  else {
    const { formatExplanation } = await import('../../explain/format.ts');
    process.stdout.write(formatExplanation(explanation));
  }
}
