/** The SDK's public door. Everything exported here, and nothing else, is stable. */
export type * from './api.js';
export { connect } from './connect.js';
export { openCamera, openMicrophone, openScreen } from './devices.js';
export * from './errors.js';
