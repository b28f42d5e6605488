// CNI plugins that are shell scripts: they write down how they were called, and answer as the test wants.
// Knows the calling convention; what the calls should be is the test's matter.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { createCommands } from '../commands.ts';
import type { Attachment } from './attachments.ts';
import { execPlugins } from './exec-plugin.ts';
import { type NetworkList, parseNetworkList } from './network-list.ts';
import { CniRuntime } from './runtime.ts';

export interface RecordedCall {
  readonly plugin: string;
  readonly command: string;
  readonly containerId: string;
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  readonly path: string;
  readonly config: Record<string, unknown>;
}

export class ScriptPlugins {
  readonly #dir: TempDir = tempDir('cni-scripts');
  readonly binDir = join(this.#dir.path, 'bin');

  constructor() {
    mkdirSync(this.binDir);
  }

  /** `answers` are shell statements by command; VERSION says every version unless told otherwise. */
  add(name: string, answers: Readonly<Record<string, string>> = {}): void {
    const versions = '["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]';
    const all = { VERSION: `echo '{"cniVersion":"1.1.0","supportedVersions":${versions}}'`, ...answers };
    const cases = Object.entries(all).map(([command, script]) => `${command}) ${script} ;;`);
    const record =
      '{"plugin":"%s","command":"%s","containerId":"%s","netns":"%s","ifName":"%s","args":"%s","path":"%s","config":%s}';
    const script = `#!/bin/sh
config=$(cat)
[ "$CNI_COMMAND" = VERSION ] || printf '${record}\\n' "\${0##*/}" "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_NETNS" \
  "$CNI_IFNAME" "$CNI_ARGS" "$CNI_PATH" "$config" >> '${this.#log}'
case $CNI_COMMAND in
${cases.join('\n')}
esac
`;
    writeFileSync(join(this.binDir, name), script);
    chmodSync(join(this.binDir, name), 0o755);
  }

  get calls(): RecordedCall[] {
    if (!existsSync(this.#log)) return [];
    const lines = readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as RecordedCall);
  }

  runtime(timeoutMs?: number): CniRuntime {
    const commands = createCommands(systemClock, 'scripts');
    return new CniRuntime(
      execPlugins({ binDirs: [this.binDir], commands, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    );
  }

  remove(): void {
    this.#dir.remove();
  }

  get #log(): string {
    return join(this.#dir.path, 'calls');
  }
}

export function listOf(plugins: readonly unknown[], fields: Record<string, unknown> = {}): NetworkList {
  return parseNetworkList(JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins, ...fields }));
}

export function attachmentOf(list: NetworkList, more: Partial<Attachment> = {}): Attachment {
  return {
    podUid: 'uid-1',
    netns: 'x.web.1',
    ifName: 'eth0',
    list,
    version: '1.0.0',
    args: 'IgnoreUnknown=1;K8S_POD_NAME=web',
    capabilityArgs: {},
    ...more,
  };
}
