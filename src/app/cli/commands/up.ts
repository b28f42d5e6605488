// `evenkeel up`: a whole small Kubernetes on this machine, with the given manifests in it.
// Knows options, signals and exit codes; the rest is up/.
import { Command, Option } from 'commander';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { UsageFailure } from '../../failure.ts';
import { asFailure } from '../../main/as-failure.ts';
import { dataDirAt } from '../../main/data-dir.ts';
import type { Images } from '../../main/images-file.ts';
import { localNodeLife } from '../../main/node-life.ts';
import { defaultWorkers } from '../../main/workers.ts';
import { chooseNetwork } from '../../up/choose-network.ts';
import { childProgress, followDetached, isDetachedChild, tellEnded, tellUp } from '../../up/detach.ts';
import { liveProgress, type Progress, plainProgress } from '../../up/progress.ts';
import { runUp } from '../../up/run.ts';
import { type AccessFlags, accessOf, addAccessOptions } from '../access-options.ts';
import {
  type AutoscalingFlags,
  addAutoscalingOptions,
  autoscalingOf,
  localAutoscaling,
} from '../autoscaling-options.ts';
import { checkCniList, cniOf, zoneNames } from '../checks.ts';
import { parseDnsStub, parseDnsUpstream } from '../dns-option.ts';
import { parseImage } from '../image-option.ts';
import { addNodeLifeOptions, type NodeLifeFlags, nodeLifeOf } from '../node-life-options.ts';
import { type NodeLiveness, nodeLivenessOption } from '../node-liveness-option.ts';
import { addPrometheusOptions, type PrometheusFlags, prometheusOf } from '../prometheus-options.ts';
import { addReportingOptions, type ReportingFlags, reportingHelp, reportingOf } from '../reporting-options.ts';
import { signalled } from '../signals.ts';
import { collect, parseCount, parseDuration, parseList, parsePort } from '../values.ts';

interface Options extends ReportingFlags, NodeLifeFlags, AccessFlags, AutoscalingFlags, PrometheusFlags {
  readonly detach: boolean;
  readonly data?: string;
  readonly recursive: boolean;
  readonly images?: string;
  readonly image?: Images;
  readonly stubImages: boolean;
  readonly engine?: string;
  readonly podMaxPids: number;
  readonly apiPort: number;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly adminPort: number;
  readonly workers: number;
  readonly dnsUpstream?: readonly UpstreamAddress[];
  readonly dnsStubDomain?: readonly StubDomain[];
  readonly dnsAutopath: boolean;
  readonly nodes: number;
  readonly zones?: readonly string[];
  readonly network: 'auto' | 'loopback' | 'netns';
  readonly cniConf?: string;
  readonly cniBin?: readonly string[];
  readonly fabricCidr?: string;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly lbPool?: string;
  readonly nodeLiveness: NodeLiveness;
  readonly egress: boolean;
  readonly timeout: number;
  readonly verbose: boolean;
}

export function upCommand(): Command {
  const command = new Command('up')
    .summary('start a cluster on this machine and apply manifests')
    .description(
      'Starts a complete small Kubernetes on this machine (API server, controllers, a node, a gateway), applies the manifests if any are named, waits until their workloads are ready and their Jobs complete, and says where everything is. Stays in the foreground; Ctrl-C takes it all down in order, a second Ctrl-C at once. Ends with 0 when everything was ready, and with 1 when something failed, or when it was stopped before.\n\nWhat is stored stays in the data directory, and so does what evenkeel.yaml says about images: the next start finds it again. Objects that have gone from the files are left alone; delete them with kubectl.',
    )
    .argument(
      '[path...]',
      'files, directories, or - for standard input; a directory may say in evenkeel.yaml where its manifests are. Without any, what is stored from before starts again',
    )
    .addOption(
      new Option(
        '--timeout <duration>',
        'longest wait for a workload to be ready, or a Job to complete; it runs on after that, and is told of',
      )
        .argParser(parseDuration)
        .default(300_000, '5m'),
    )
    .option('-d, --detach', 'return when all is ready; "evenkeel down" ends it', false)
    .option('--data <dir>', 'where store, certificates, logs and kubeconfig are kept (default: ~/.evenkeel)')
    .option('-R, --recursive', 'look below directories as well', false)
    .option('--images <file>', 'an evenkeel.yaml that says what images run, when it is not beside the manifests')
    .addOption(
      new Option(
        '--image <name=command>',
        'what runs in place of an image (repeatable); a name without tag is every tag',
      ).argParser(parseImage),
    )
    .option(
      '--stub-images',
      'let the echo server stand in for images that are not here, on the ports they declare',
      false,
    )
    .option(
      '--engine <name>',
      'run images that are not mapped in a container engine: podman, docker, or the path of its socket',
    )
    .addOption(
      new Option('--pod-max-pids <n>', 'most processes and threads of a pod, where control groups can bound them')
        .argParser(parseCount)
        .default(4096),
    )
    .addOption(new Option('--api-port <port>', 'port of the Kubernetes API').argParser(parsePort).default(6443))
    .addOption(new Option('--http-port <port>', 'HTTP port of the gateway').argParser(parsePort).default(8080))
    .addOption(new Option('--https-port <port>', 'HTTPS port of the gateway').argParser(parsePort).default(8443))
    .addOption(
      new Option('--admin-port <port>', 'port of the admin page and of /metrics').argParser(parsePort).default(9901),
    )
    .addOption(new Option('--workers <n>', 'threads of the gateway').argParser(parseCount).default(defaultWorkers()))
    .addOption(new Option('--nodes <n>', 'how many nodes').argParser(parseCount).default(1))
    .addOption(new Option('--zones <name,...>', 'zones that nodes are in, in turn').argParser(parseList))
    .addOption(
      new Option(
        '--network <mode>',
        'how nodes and pods are connected: by network namespaces (root only), or on the loopback device',
      )
        .choices(['auto', 'loopback', 'netns'])
        .default('auto'),
    )
    .option(
      '--pod-cidr <range,...>',
      'addresses of pods (default: 10.244.0.0/16 and fd00:10:244::/48; loopback: 127.244.0.0/24, or /16 for several nodes)',
    )
    .option(
      '--service-cidr <range,...>',
      'addresses of Services; stays the same for a data directory (default: 10.96.0.0/16 and fd00:10:96::/112; loopback: 127.96.0.0/16)',
    )
    .option(
      '--lb-pool <range,...>',
      'addresses of LoadBalancer Services, of which the pool "default" is made; none for no pool (default: the last eighth of the range of nodes, and its IPv6 addresses from f000 on; loopback: 127.97.0.0/24)',
    )
    .option(
      '--fabric-cidr <range,...>',
      'addresses of nodes (default: 10.240.0.0/24 and fd00:10:240::/64); IPv6 is left out when a range is given without',
    )
    .addOption(nodeLivenessOption('in network namespaces, where nodes announce addresses').default('on'))
    .option(
      '--egress',
      'let pods in network namespaces reach the outside of this machine, by its address; they are confined otherwise',
      false,
    )
    .option('--cni-conf <dir>', 'directory of CNI network configurations, in place of the built-in bridge')
    .addOption(new Option('--cni-bin <dir>', 'directory of CNI plugins (repeatable)').argParser(collect))
    .addOption(
      new Option(
        '--dns-upstream <address>',
        'resolver for names outside of the cluster (repeatable), e.g. 1.1.1.1 or 10.0.0.2:5353 (default: those of /etc/resolv.conf)',
      ).argParser(parseDnsUpstream),
    )
    .addOption(
      new Option(
        '--dns-stub-domain <zone=address,...>',
        'ask these resolvers, and no others, for names of a zone (repeatable), e.g. corp.example=10.0.0.2,10.0.0.3:5353',
      ).argParser(parseDnsStub),
    )
    .option(
      '--dns-autopath',
      'let the DNS server search in place of pods: one question for a short name instead of one for each domain',
      false,
    )
    .option('--verbose', 'log to standard error as well, in detail', false)
    .addHelpText(
      'after',
      `
A port of 0 takes a free one.

${reportingHelp()}

Examples:
  $ evenkeel up examples/shop
  $ evenkeel up                      # the same objects again, or an empty cluster
  $ evenkeel up examples/shop --nodes 3 --zones a,b,c
  $ evenkeel up k8s/ --detach && export KUBECONFIG=~/.evenkeel/kubeconfig
  $ evenkeel up k8s/ --image shop/cart='node cart/main.ts' --stub-images
  $ helm template my-chart | evenkeel up - --images my-chart/evenkeel.yaml`,
    )
    .action(async (paths: string[], options: Options) => {
      process.exitCode = (await up(paths, options)) ? 0 : 1;
    });
  addPrometheusOptions(addReportingOptions(command), 30_000);
  return addAutoscalingOptions(addNodeLifeOptions(addAccessOptions(command), localNodeLife), localAutoscaling);
}

async function up(paths: readonly string[], options: Options): Promise<boolean> {
  const progress = isDetachedChild() ? childProgress() : process.stdout.isTTY ? liveProgress() : plainProgress();
  if (options.detach && !isDetachedChild()) return followDetached(process.argv.slice(2), progress);
  const data = dataDirAt(options.data);
  try {
    const cni = cniOf(options.cniConf, options.cniBin);
    if (cni !== undefined) checkCniList(cni);
    const zones = zoneNames(options.zones ?? []);
    const nodeLife = nodeLifeOf(options, localNodeLife);
    const prometheus = await prometheusOf(options);
    const { network, line } = chooseNetwork(
      {
        mode: options.network,
        nodes: options.nodes,
        needNamespaces: [
          ...(cni === undefined ? [] : ['--cni-conf']),
          ...(options.fabricCidr === undefined ? [] : ['--fabric-cidr']),
          ...(options.egress ? ['--egress'] : []),
        ],
        egress: options.egress,
        ...(options.lbPool === undefined ? {} : { lbPool: options.lbPool }),
        ...(options.podCidr === undefined ? {} : { podCidr: options.podCidr }),
        ...(options.serviceCidr === undefined ? {} : { serviceCidr: options.serviceCidr }),
        ...(options.fabricCidr === undefined ? {} : { fabricCidr: options.fabricCidr }),
      },
      data,
    );
    // Before the first word: whoever reads it may end this in the same moment.
    const signal = untilSignal(progress);
    progress.line(line);
    const clean = await runUp(
      {
        paths,
        recursive: options.recursive,
        data,
        ports: { api: options.apiPort, http: options.httpPort, https: options.httpsPort, admin: options.adminPort },
        ...(options.dnsUpstream === undefined ? {} : { dnsUpstreams: options.dnsUpstream }),
        ...(options.dnsStubDomain === undefined ? {} : { dnsStubs: options.dnsStubDomain }),
        dnsAutopath: options.dnsAutopath,
        network,
        nodes: {
          zones,
          liveness: options.nodeLiveness === 'on',
          ...(cni === undefined ? {} : { cni }),
        },
        workers: options.workers,
        nodeLife,
        access: accessOf(options),
        autoscaling: autoscalingOf(options),
        verbose: options.verbose,
        imagesOnTop: options.image ?? {},
        stubImages: options.stubImages,
        ...(options.engine === undefined ? {} : { engine: options.engine }),
        podMaxPids: options.podMaxPids,
        timeoutMs: options.timeout,
        signal,
        onUp: tellUp,
        ...(options.images === undefined ? {} : { projectFile: options.images }),
        ...reportingOf(options),
        ...(prometheus === undefined ? {} : { prometheus }),
      },
      progress,
    );
    return clean;
  } catch (error) {
    if (isDetachedChild()) tellEnded(error instanceof UsageFailure ? error : asFailure(error, data.logFile));
    throw error;
  } finally {
    // Whatever a part left open must not keep a finished process alive.
    setTimeout(() => process.exit(), 250).unref();
  }
}

/** Aborts at the first signal; the second one ends the process on the spot. */
function untilSignal(progress: Progress): AbortSignal {
  return signalled(['SIGINT', 'SIGTERM', 'SIGHUP'], () => progress.line(''));
}
