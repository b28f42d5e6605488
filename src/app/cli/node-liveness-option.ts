// `--node-liveness` of the commands that serve Services on a node: whether endpoints of silent nodes are left out.
// Knows words of the command line; how silence is found out is traffic/announce/liveness.
import { Option } from 'commander';
import { UsageFailure } from '../failure.ts';

export type NodeLiveness = 'on' | 'off';

/** `more` says what it depends on. */
export function nodeLivenessOption(more: string): Option {
  return new Option(
    '--node-liveness <on|off>',
    `leave the endpoints of a node out as soon as it falls silent, and not only once the API knows (${more})`,
  ).choices(['on', 'off']);
}

/** Beside a speaker it is on; without one nobody listens. Throws a `UsageFailure` where it is asked for all the same. */
export function isNodeLivenessOn(asked: NodeLiveness | undefined, announces: boolean): boolean {
  if (asked === 'on' && !announces) {
    throw new UsageFailure(
      '--node-liveness on has nobody to listen to: nodes hear of each other by the heartbeats of --announce',
      'Give --announce auto as well, or leave --node-liveness out',
    );
  }
  return announces && asked !== 'off';
}
