export { heldUntil } from './hold.js';
