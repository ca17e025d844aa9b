import { describeWithDrachtio, hasDrachtio } from '../support/drachtio.js';
import { sipDoorContract } from './sip-door-contract.js';
import { sipServerContract } from './sip-server-contract.js';
import { sipServerOthersContract } from './sip-server-others-contract.js';
import { sipServerProxyContract } from './sip-server-proxy-contract.js';
import { startEmbedded, startReal } from './sip-server-stage.js';

sipServerContract('embedded', startEmbedded);
sipServerOthersContract('embedded', startEmbedded);
sipServerProxyContract('embedded', startEmbedded);
sipDoorContract({ name: 'embedded', start: startEmbedded, isOwn: true });

if (!hasDrachtio) process.stdout.write('skipped: drachtio-server is not installed\n');
describeWithDrachtio('drachtio-server', () => {
  sipServerContract('drachtio-server', startReal);
  sipServerOthersContract('drachtio-server', startReal);
  sipServerProxyContract('drachtio-server', startReal);
  sipDoorContract({ name: 'drachtio-server', start: startReal, isOwn: false });
});
