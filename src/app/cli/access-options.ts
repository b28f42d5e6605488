// Options of the commands that serve the API: who may do what in it, how much at once, and what of it is written down.
// Knows words of the command line and files; what they mean is the API server's matter.
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { OPTIONAL_PLUGINS, type OptionalPlugin } from '#kube/apiserver/admission/optional-plugins.ts';
import { type AuditPolicy, readAuditPolicy } from '#kube/apiserver/audit/policy.ts';
import type { AllowsOrigin } from '#kube/apiserver/http/cross-origin.ts';
import { DEFAULT_QUOTA_BYTES } from '#kube/store/store.ts';
import { compileRegex } from '#lib/linear-regex.ts';
import { codeOf, messageOf, UsageFailure } from '../failure.ts';
import type { AccessSettings, AuditSettings } from '../main/api.ts';
import { parseCount, parseDuration, parseList, parseSize } from './values.ts';

export interface AccessFlags {
  readonly authorizationMode: AccessSettings['authorization'];
  readonly maxRequestsInflight: number;
  readonly maxWatches: number;
  readonly maxConnections: number;
  readonly requestTimeout: number;
  readonly corsAllowedOrigins?: AllowsOrigin;
  readonly storeQuota: number;
  readonly enableAdmissionPlugins: readonly OptionalPlugin[];
  readonly auditLogPath?: string;
  readonly auditPolicyFile?: string;
  readonly auditLogMaxsize: number;
  readonly auditLogMaxbackup: number;
}

const MIB = 1024 * 1024;

export function addAccessOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--authorization-mode <mode>',
        'who may do what in the API: what roles and their bindings grant, or everybody who is known everything',
      )
        .choices(['RBAC', 'AlwaysAllow'])
        .default('RBAC'),
    )
    .addOption(
      new Option(
        '--max-requests-inflight <n>',
        'requests to the API that are served at once, divided among its priority levels; watches and administrators do not count',
      )
        .argParser(parseCount)
        .default(240),
    )
    .addOption(
      new Option('--max-watches <n>', 'watches of the API that may stand at once, half of them of one user')
        .argParser(parseCount)
        .default(20_000),
    )
    .addOption(
      new Option('--max-connections <n>', 'connections to the API at once; further ones are closed as they come')
        .argParser(parseCount)
        .default(50_000),
    )
    .addOption(
      new Option(
        '--request-timeout <duration>',
        'how long a request to the API may take until its answer has been read; watches, logs and streams last on',
      )
        .argParser(parseDuration)
        .default(60_000, '1m'),
    )
    .addOption(
      new Option(
        '--cors-allowed-origins <pattern,...>',
        "origins whose pages may read the API in a browser, as RE2 expressions: '^https://dashboard\\.example$'",
      ).argParser(parseOrigins),
    )
    .addOption(
      new Option(
        '--store-quota <size>',
        'size of the store from which on it takes deletions only; 0 leaves it to the disk',
      )
        .argParser(parseSize)
        .default(DEFAULT_QUOTA_BYTES, '2GiB'),
    )
    .addOption(
      new Option(
        '--enable-admission-plugins <name,...>',
        'what is refused besides: DenyServiceExternalIPs refuses Services with external IPs that they had not before',
      )
        .argParser(parsePlugins)
        .default([], 'none'),
    )
    .option('--audit-log-path <file>', 'write a JSON line for each stage of a request that the audit policy names')
    .option('--audit-policy-file <file>', 'what of which requests is written: a Policy of audit.k8s.io/v1')
    .addOption(
      new Option('--audit-log-maxsize <MiB>', 'size from which on the audit log is set aside and begun anew')
        .argParser(parseCount)
        .default(100),
    )
    .addOption(
      new Option('--audit-log-maxbackup <n>', 'how many of those set aside are kept').argParser(parseCount).default(10),
    );
}

/** Throws a `UsageFailure` for a policy that cannot be used. */
export function accessOf(flags: AccessFlags): AccessSettings {
  return {
    authorization: flags.authorizationMode,
    maxInFlight: flags.maxRequestsInflight,
    maxWatches: flags.maxWatches,
    maxConnections: flags.maxConnections,
    requestTimeoutMs: flags.requestTimeout,
    allowsOrigin: flags.corsAllowedOrigins,
    storeQuotaBytes: flags.storeQuota,
    admissionPlugins: flags.enableAdmissionPlugins,
    audit: auditOf(flags),
  };
}

/** As upstream: a pattern that could match in the middle of a host's name lets strangers in. */
function parseOrigins(text: string): AllowsOrigin {
  const patterns = parseList(text).map((pattern) => {
    const regex = compileRegex(pattern);
    if ('error' in regex) throw new InvalidArgumentError(`"${pattern}" is no regular expression: ${regex.error}.`);
    if (!/\^|\/\//.test(pattern) || !/[$:]/.test(pattern.replace('://', ''))) {
      const remedy = 'Let it begin with ^ or //, and end with $ or (:|$)';
      throw new InvalidArgumentError(`"${pattern}" does not say where the host begins and ends. ${remedy}.`);
    }
    return regex;
  });
  return (origin) => patterns.some((regex) => regex.test(origin));
}

function parsePlugins(text: string): readonly OptionalPlugin[] {
  return parseList(text).map((name) => {
    const found = OPTIONAL_PLUGINS.find((one) => one === name);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`"${name}" is none that can be switched on: give ${OPTIONAL_PLUGINS.join(', ')}.`);
  });
}

function auditOf(flags: AccessFlags): AuditSettings | undefined {
  const { auditLogPath: path, auditPolicyFile: file } = flags;
  if (path === undefined && file === undefined) return undefined;
  if (path === undefined || file === undefined) {
    throw new UsageFailure(
      path === undefined
        ? '--audit-policy-file says what is written, and nothing says where'
        : '--audit-log-path says where it is written, and nothing says what',
      'Give --audit-log-path and --audit-policy-file together',
    );
  }
  const maxBytes = flags.auditLogMaxsize * MIB;
  return { path, policy: readPolicy(file), maxBytes, maxBackups: flags.auditLogMaxbackup };
}

function readPolicy(file: string): AuditPolicy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(
      `Cannot read "${file}": ${codeOf(error) ?? messageOf(error)}`,
      'Name a readable file with --audit-policy-file',
    );
  }
  try {
    return readAuditPolicy(parse(text));
  } catch (error) {
    throw new UsageFailure(
      `"${file}" is no audit policy: ${messageOf(error)}`,
      'See https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ for what may stand in it',
    );
  }
}
