// The version of this program, as package.json states it.
// Knows nothing of who shows it.
import packageJson from '#package.json' with { type: 'json' };

export const version: string = packageJson.version;
