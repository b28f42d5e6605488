// Entry of the CLI. Only what every command needs is loaded here, so that each starts as fast as it can.
// Knows nothing of what commands do.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runCli } = await import('./program.ts');
await runCli(process.argv.slice(2));
