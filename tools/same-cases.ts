// Where CI is set, property tests take the same cases in every run: a change is judged by what it changes.
// Elsewhere each run takes new ones; `npm run fuzz` looks for more.
import fc from 'fast-check';

const CI_SEED = 20_261_126;

if (process.env.CI !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: CI_SEED });
