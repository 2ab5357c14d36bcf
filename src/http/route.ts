/**
 * @module
 * Which paths there are, and which methods they take. Paths are compared raw: nothing is normalised.
 */

export type RouteName =
  | "key"
  | "pairs"
  | "keys"
  | "txn"
  | "compact"
  | "leases"
  | "lease"
  | "keepAlive"
  | "watch"
  | "join"
  | "remove"
  | "members"
  | "member"
  | "promote"
  | "transfer"
  | "status"
  | "livez"
  | "readyz"
  | "metrics";

export interface Route {
  readonly name: RouteName;
  readonly methods: readonly string[];
  /** The id of a member or lease as the path has it; empty where it has none. */
  readonly id: string;
}

export const keyPrefix = "/key/";

export const keyRoute: Route = { name: "key", methods: ["GET", "HEAD", "PUT", "DELETE"], id: "" };

const readOnly = ["GET", "HEAD"];
const membersPrefix = "/cluster/members/";
const leasePrefix = "/lease/";
const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/key", { name: "pairs", methods: ["POST"], id: "" }],
  ["/keys", { name: "keys", methods: ["GET", "HEAD", "DELETE"], id: "" }],
  ["/txn", { name: "txn", methods: ["POST"], id: "" }],
  ["/compact", { name: "compact", methods: ["POST"], id: "" }],
  ["/lease", { name: "leases", methods: ["GET", "HEAD", "POST"], id: "" }],
  ["/watch", { name: "watch", methods: readOnly, id: "" }],
  ["/join", { name: "join", methods: ["POST"], id: "" }],
  ["/remove", { name: "remove", methods: ["POST"], id: "" }],
  ["/cluster/members", { name: "members", methods: ["GET", "HEAD", "POST"], id: "" }],
  ["/cluster/transfer", { name: "transfer", methods: ["POST"], id: "" }],
  ["/status", { name: "status", methods: readOnly, id: "" }],
  ["/livez", { name: "livez", methods: readOnly, id: "" }],
  ["/readyz", { name: "readyz", methods: readOnly, id: "" }],
  ["/metrics", { name: "metrics", methods: readOnly, id: "" }],
]);

/** What any path takes, for a request whose path was not read. */
export const knownMethods = "GET, HEAD, PUT, DELETE, POST, PATCH";

/** `path` is what stands before the `?`. */
export function routeOf(path: string): Route | undefined {
  if (path.startsWith(keyPrefix)) return keyRoute;
  if (path.startsWith(leasePrefix)) return leaseRouteOf(path.slice(leasePrefix.length));
  return path.startsWith(membersPrefix) ? memberRouteOf(path.slice(membersPrefix.length)) : routes.get(path);
}

/** `<id>` or `<id>/promote`. */
function memberRouteOf(rest: string): Route | undefined {
  const [id = "", action, more] = rest.split("/");
  if (id === "" || more !== undefined) return undefined;
  if (action === undefined) return { name: "member", methods: ["PATCH", "DELETE"], id };
  return action === "promote" ? { name: "promote", methods: ["POST"], id } : undefined;
}

/** `<id>` or `<id>/keepalive`. */
function leaseRouteOf(rest: string): Route | undefined {
  const [id = "", action, more] = rest.split("/");
  if (id === "" || more !== undefined) return undefined;
  if (action === undefined) return { name: "lease", methods: ["GET", "HEAD", "DELETE"], id };
  return action === "keepalive" ? { name: "keepAlive", methods: ["POST"], id } : undefined;
}
