// The name of a Node, as a flag gives it or the machine has it.
// Knows no command.
import { UsageFailure } from '../failure.ts';

const DNS_LABELS = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The name itself. Throws where no Node can have it. */
export function nodeName(name: string, flag: string): string {
  if (DNS_LABELS.test(name) && name.length <= 253) return name;
  throw new UsageFailure(
    `Node name "${name}" is no DNS name`,
    `Give ${flag} lower-case letters, digits, dashes and dots, e.g. n1`,
  );
}
