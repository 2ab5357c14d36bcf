/**
 * @module
 * Where a peer listens.
 */

export interface PeerAddress {
  /** A name, resolved anew for each connection, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/;

/** Reads `host:port` or `[v6]:port`; undefined for anything that cannot be dialled. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const match = pattern.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || !(port >= 1 && port <= 65_535) ? undefined : { host, port };
}

export function formatPeerAddress({ host, port }: PeerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
