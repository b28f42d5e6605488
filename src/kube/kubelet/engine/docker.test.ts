// Real containers: an image made of one static binary, run by docker: by the one that answers, or one of the test's own.
import { engineContract } from './engine.contract.ts';

engineContract('docker');
