/**
 * @module
 * Addresses as operators, configurations and peers write them: `host:port`, with brackets around an IPv6 host.
 */

export interface Address {
  /** A name, resolved anew for each connection, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]{1,15})?)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/;

/** Null when it is not `host:port` with a port from 0 to 65535; 0 is any port, for listening. */
export function parseAddress(text: string): Address | null {
  const match = pattern.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || !(port <= 65_535) ? null : { host, port };
}

/** As `parseAddress`, and null for what cannot be dialled: port 0. */
export function parseDialledAddress(text: string): Address | null {
  const address = parseAddress(text);
  return address === null || address.port === 0 ? null : address;
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
