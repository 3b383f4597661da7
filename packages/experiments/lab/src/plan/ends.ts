import { type FlowPolicy, parseController } from '../flows/controllers.ts';
import { KERNEL_PROFILE } from '../models/kernel-profile.ts';
import { DEFAULT_PROFILE, PARITY_PROFILE, type Profile } from '../models/profile.ts';
import { SCHEDULERS } from './schedulers.ts';

/** How both ends are set up, by names: what one process can tell another. */
export interface EndNames {
  readonly profile?: Profile['name'];
  /** Instead of what the profile has. */
  readonly scheduler?: string;
  readonly controller?: string;
}

export interface Ends {
  readonly profile: Profile;
  /** Instead of what the profile has. */
  readonly controller: FlowPolicy | undefined;
}

const PROFILES: Readonly<Record<Profile['name'], Profile>> = {
  default: DEFAULT_PROFILE,
  parity: PARITY_PROFILE,
  kernel: KERNEL_PROFILE,
};

export function endsOf({ profile, scheduler, controller }: EndNames): Ends {
  const base = PROFILES[profile ?? 'default'];
  const order = scheduler === undefined ? undefined : SCHEDULERS[scheduler]!;
  return {
    profile: order === undefined ? base : { ...base, scheduler: order },
    controller: controller === undefined ? undefined : parseController(controller),
  };
}

/** What replaces policies of QUIC. */
export const quicPolicies = ({ controller }: Pick<Ends, 'controller'>) =>
  controller === undefined ? {} : { congestion: controller.controller, pacer: controller.pacer };

/** What a process sets its end of QUIC up with; nothing where it was told nothing. */
export function setupOf(names: EndNames | undefined) {
  if (names === undefined) return {};
  const ends = endsOf(names);
  return { profile: ends.profile, policies: quicPolicies(ends) };
}
