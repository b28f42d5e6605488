// Finds the sources of the Kubernetes API: installed, in a folder that is named, or fetched as Debian packages.
// Knows packages and folders; what stands in a source is read by go-source.ts.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where Debian's packages put Go sources, below the root. */
const INSTALLED = 'usr/share/gocode/src';
/** Packages that were fetched, by version. */
const cache = fileURLToPath(new URL('../../.cache/kubernetes-sources', import.meta.url));
const PACKAGES = ['golang-k8s-api-dev', 'golang-k8s-apimachinery-dev', 'golang-k8s-apiextensions-apiserver-dev'];

/** The release whose types are served: the packages count releases of Kubernetes 1.36 as 0.36. */
const RELEASE = '0.36';

export interface Sources {
  /** Holds `k8s.io/api` and its siblings. */
  readonly directory: string;
  /** E.g. `golang-k8s-api-dev 0.36.4-1`. */
  readonly origin: string;
}

export interface Unavailable {
  readonly missing: string;
}

/**
 * The sources, or the reason why there are none here. `given` is a folder that holds `k8s.io/`; without it, what is
 * installed counts when it is of the right release, and else what Debian's unstable has, which is kept in `.cache/`.
 */
export function findSources(given: string | undefined): Sources | Unavailable {
  if (given !== undefined) return checked(given, given);
  const version = installedVersion();
  if (version?.startsWith(`${RELEASE}.`)) return checked(`/${INSTALLED}`, `${PACKAGES[0]} ${version}`);
  mkdirSync(cache, { recursive: true });
  const kept = readdirSync(cache).find((name) => name.startsWith(`${RELEASE}.`));
  if (kept !== undefined) return checked(join(cache, kept, INSTALLED), `${PACKAGES[0]} ${kept}`);
  const directory = mkdtempSync(join(cache, 'fetch-'));
  try {
    return fetchPackages(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function checked(directory: string, origin: string): Sources | Unavailable {
  const wanted = ['api', 'apimachinery', 'apiextensions-apiserver'];
  const absent = wanted.filter((name) => !existsSync(join(directory, 'k8s.io', name)));
  return absent.length === 0 ? { directory, origin } : { missing: `${directory} holds no k8s.io/${absent[0]}` };
}

function installedVersion(): string | undefined {
  try {
    return run('dpkg-query', ['-W', '-f', `\${Version}`, PACKAGES[0] ?? '']).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Uses lists and caches of its own, so that the machine's choice of suites stays as it is. */
function fetchPackages(directory: string): Sources | Unavailable {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  if (!existsSync(keyring)) return { missing: `${keyring} is absent: the sources are fetched as Debian packages` };
  const mirror = debianMirror();
  if (mirror === undefined) return { missing: 'apt of this machine knows no mirror of Debian' };
  const list = join(directory, 'sources.list');
  writeFileSync(list, `deb [signed-by=${keyring}] ${mirror} sid main\n`);
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  const options = Object.entries({
    'Dir::Etc::SourceList': list,
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(directory, 'lists'),
    'Acquire::Languages': 'none',
    'Dir::Cache': join(directory, 'cache'),
    // Its own folder is no place for another user to write to.
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  try {
    run('apt-get', [...options, '-qq', 'update'], directory);
    const shown = run('apt-cache', [...options, 'show', '--no-all-versions', PACKAGES[0] ?? ''], directory);
    const version = /^Version: (.*)$/m.exec(shown)?.[1] ?? 'unknown';
    if (!version.startsWith(`${RELEASE}.`)) {
      const missing = `Debian's unstable has ${PACKAGES[0]} ${version} now, and the files are of ${RELEASE}`;
      return { missing };
    }
    run('apt-get', [...options, '-qq', 'download', ...PACKAGES], directory);
    const unpacked = join(directory, version);
    for (const archive of readdirSync(directory).filter((name) => name.endsWith('.deb'))) {
      run('dpkg-deb', ['-x', join(directory, archive), unpacked]);
    }
    const kept = join(cache, version);
    renameSync(unpacked, kept);
    return checked(join(kept, INSTALLED), `${PACKAGES[0]} ${version}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `Debian's packages of the sources could not be fetched: ${reason.split('\n')[0]}` };
  }
}

/** The one that the machine has its packages from; its security updates come from another one, which has no `sid`. */
function debianMirror(): string | undefined {
  try {
    const known = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Origin: Debian']).split('\n');
    return known.find((address) => address !== '' && !/security/.test(address));
  } catch {
    return undefined;
  }
}

function run(program: string, args: readonly string[], cwd?: string): string {
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 };
  return execFileSync(program, args, cwd === undefined ? options : { ...options, cwd }).toString();
}
