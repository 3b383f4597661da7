export type { MachineOptions } from './driver.ts';
export type { Host, HostOptions } from './host.ts';
export { type Path, type RunOptions, type Timer, World, type WorldOptions, type WorldStats } from './world.ts';
