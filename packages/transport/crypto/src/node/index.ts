export { nodeProvider } from './provider.ts';
export { systemRandom } from './system-random.ts';
