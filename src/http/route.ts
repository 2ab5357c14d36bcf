/**
 * @module
 * Which paths there are, and which methods they take. Paths are compared raw: nothing is normalised.
 */

export type RouteName =
  | "key"
  | "keys"
  | "join"
  | "remove"
  | "members"
  | "transfer"
  | "status"
  | "livez"
  | "readyz"
  | "metrics";

export interface Route {
  readonly name: RouteName;
  readonly methods: readonly string[];
}

export const keyPrefix = "/key/";

export const keyRoute: Route = { name: "key", methods: ["GET", "HEAD", "PUT", "DELETE"] };

const readOnly = ["GET", "HEAD"];
const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/key", { name: "keys", methods: ["POST"] }],
  ["/join", { name: "join", methods: ["POST"] }],
  ["/remove", { name: "remove", methods: ["POST"] }],
  ["/cluster/members", { name: "members", methods: readOnly }],
  ["/cluster/transfer", { name: "transfer", methods: ["POST"] }],
  ["/status", { name: "status", methods: readOnly }],
  ["/livez", { name: "livez", methods: readOnly }],
  ["/readyz", { name: "readyz", methods: readOnly }],
  ["/metrics", { name: "metrics", methods: readOnly }],
]);

/** What any path takes, for a request whose path was not read. */
export const knownMethods = "GET, HEAD, PUT, DELETE, POST";

/** `path` is what stands before the `?`. */
export function routeOf(path: string): Route | undefined {
  return path.startsWith(keyPrefix) ? keyRoute : routes.get(path);
}
