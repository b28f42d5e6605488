// Options of the commands that serve the API: who may do what in it.
// Knows words of the command line; what they mean is the API server's matter.
import { type Command, Option } from 'commander';
import type { AccessSettings } from '../main/api.ts';

export interface AccessFlags {
  readonly authorizationMode: AccessSettings['authorization'];
}

export function addAccessOptions(command: Command): Command {
  return command.addOption(
    new Option(
      '--authorization-mode <mode>',
      'who may do what in the API: what roles and their bindings grant, or everybody who is known everything',
    )
      .choices(['RBAC', 'AlwaysAllow'])
      .default('RBAC'),
  );
}

export function accessOf({ authorizationMode }: AccessFlags): AccessSettings {
  return { authorization: authorizationMode };
}
