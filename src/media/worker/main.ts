/** The entry of a media worker process. */
import { createLegRuntime } from './leg-runtime.js';
import { runWorker } from './run-worker.js';

runWorker(createLegRuntime);
