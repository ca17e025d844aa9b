/** A gateway's phone edge as a process of its own, for a test to kill. Prints a line when its calls stand. */
import { openEdge, EdgeCalls } from './freeswitch-edge.js';

const { servers, nodeName, workerEntry, calls } = JSON.parse(process.argv[2] ?? '{}') as {
  servers: { host: string; port: number; secret: string }[];
  nodeName: string;
  workerEntry: string;
  calls: number;
};
const edge = await openEdge({ servers, nodeName }, workerEntry);
const phones = new EdgeCalls(edge.plane);
for (let i = 0; i < calls; i += 1) await phones.talking(440);
process.stdout.write('calls stand\n');
