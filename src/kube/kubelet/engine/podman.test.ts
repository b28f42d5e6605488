// Real containers: an image made of one static binary, run by podman through its socket.
import { engineContract } from './engine.contract.ts';

engineContract('podman');
