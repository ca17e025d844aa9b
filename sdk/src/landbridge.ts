/** The SDK's public door. Everything exported here, and nothing else, is stable. */
export type * from './api.js';
export { connect } from './connect.js';
export {
  listDevices,
  onDevicesChanged,
  openCamera,
  openMicrophone,
  openScreen,
  type Device,
  type DeviceOptions,
  type Devices,
} from './devices.js';
export * from './errors.js';
