// Names of what a kubelet makes in the network: they say whose it is, and fit into what the kernel allows.
// Pure: knows the limits, makes nothing.
import { createHash } from 'node:crypto';

/** Letters and digits that stand for `text`; 36^`length` of them. */
function digest(text: string, length: number): string {
  const value = BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
  return value.toString(36).padStart(50, '0').slice(-length);
}

/** Whether namespaces and links can be named after it. */
export function isOwner(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text);
}

/** Names of one kubelet; another one on the same machine has another `owner`. */
export class Names {
  /** Every network namespace of its pods begins with this, and none of another owner's does. */
  readonly netnsPrefix: string;
  /** Every veth of its pods begins with this. */
  readonly linkPrefix: string;
  readonly bridge: string;
  /** Table of nftables. */
  readonly table: string;

  /** `owner` is unique among the kubelets of a machine: up to 40 lower-case letters, digits and dashes. */
  constructor(owner: string) {
    if (!isOwner(owner)) {
      throw new Error(`Owner "${owner}" of a pod network must be up to 40 lower-case letters, digits and dashes`);
    }
    // The dot ends it: "a" must not find what belongs to "a-b".
    this.netnsPrefix = `${owner}.`;
    this.linkPrefix = `ek${digest(owner, 4)}`;
    this.bridge = `ekbr-${digest(owner, 6)}`;
    this.table = `evenkeel-pods-${digest(owner, 8)}`;
  }

  /** Readable in `ip netns`, and unique by the uid. */
  netns(podUid: string, podName: string): string {
    const readable = podName.slice(0, 60).replaceAll(/[^a-zA-Z0-9.-]/g, '-');
    return `${this.netnsPrefix}${readable}.${digest(podUid, 9)}`;
  }

  /** The node's end of a pod's veth: 15 characters, the most there may be. */
  link(podUid: string): string {
    return `${this.linkPrefix}${digest(podUid, 9)}`;
  }
}
