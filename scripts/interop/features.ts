/**
 * What our stack can do of what the cases ask for, in each role. A case that needs what is not there yet is listed as
 * unsupported; when it lands, the line here is all that changes.
 */
export type Feature = keyof typeof FEATURES;

export const FEATURES = {
  retry: { client: true, server: true },
  resumption: { client: true, server: true },
  'early data': { client: true, server: true },
  'key update': { client: true, server: true },
  'version 2': { client: true, server: true },
  'beginning with a reserved version': { client: true, server: true },
  'rebound clients': { client: true, server: true },
  'preferred address': { client: true, server: true },
  'ECN marks on sockets': { client: false, server: false },
} as const satisfies Record<string, { client: boolean; server: boolean }>;
