/**
 * @module
 * Which hosts certainly stay on this machine; a name other than `localhost` may resolve to anything.
 */

const mapped = /^::ffff:/;
const loopback = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/;

/** `host` is a name or an IP address in lower case, without brackets; an IPv4 address may be mapped into IPv6. */
export function isLoopback(host: string): boolean {
  return loopback.test(host.replace(mapped, ""));
}
