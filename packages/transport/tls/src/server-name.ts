/** Whether this is an address rather than a host name: those are not sent in server_name (RFC 6066 §3). */
export const isIpLiteral = (host: string): boolean => host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
