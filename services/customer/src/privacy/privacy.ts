export { heldUntil } from './hold.js';
export { requestsOf } from './request.js';
