/**
 * @module
 * Every error a client can meet: its code, its HTTP status, what it says about a write, and what to do.
 *
 * The README's table of errors is held against this registry by a test.
 */

/** What an error says about the write it answers. Never `not-applied` when that is not certain. */
export type Outcome = "not-applied" | "unknown";

export interface ErrorKind {
  /** HTTP status. */
  readonly status: number;
  /** A short sentence that is the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  readonly outcome: Outcome;
  /** What a client does about it. */
  readonly advice: string;
}

function refused(status: number, title: string, advice: string): ErrorKind {
  return { status, title, outcome: "not-applied", advice };
}

function uncertain(status: number, title: string, advice: string): ErrorKind {
  return { status, title, outcome: "unknown", advice };
}

export type ErrorCode =
  | "BAD_REQUEST"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "KEY_NOT_FOUND"
  | "LEASE_NOT_FOUND"
  | "MEMBER_NOT_FOUND"
  | "NO_SUCH_GROUP"
  | "ROUTE_NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_TIMEOUT"
  | "MEMBER_EXISTS"
  | "CONFIG_CHANGE_PENDING"
  | "LAST_VOTER"
  | "QUORUM_AT_RISK"
  | "COMPACTED"
  | "PRECONDITION_FAILED"
  | "VALUE_TOO_LARGE"
  | "WRONG_HOST"
  | "IDEMPOTENCY_MISMATCH"
  | "HEADERS_TOO_LARGE"
  | "INTERNAL"
  | "SOURCE_FAILED"
  | "NO_LEADER"
  | "OVERLOADED"
  | "LEADERSHIP_LOST"
  | "TOO_STALE"
  | "SHUTTING_DOWN"
  | "TIMEOUT"
  | "STORAGE_FULL"
  | "UNREACHABLE"
  | "CONNECTION_LOST";

export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = {
  BAD_REQUEST: refused(400, "The request is malformed", "Mend the request."),
  UNAUTHENTICATED: refused(401, "The request names nobody", "Send a valid token."),
  FORBIDDEN: refused(403, "The request is not allowed", "Use a token or an origin that is allowed."),
  KEY_NOT_FOUND: refused(404, "The key does not exist", "Nothing; it is an answer."),
  LEASE_NOT_FOUND: refused(404, "The lease does not exist", "Grant a new lease."),
  MEMBER_NOT_FOUND: refused(404, "No member has this id", "List the members."),
  NO_SUCH_GROUP: refused(404, "No cache group has this name", "Make the group first."),
  ROUTE_NOT_FOUND: refused(404, "There is nothing at this path", "See the README's table of routes."),
  METHOD_NOT_ALLOWED: refused(405, "The path does not take this method", "Use a method that `Allow` names."),
  REQUEST_TIMEOUT: refused(408, "The request took too long to arrive", "Send it again, quicker."),
  MEMBER_EXISTS: refused(
    409,
    "A member has this id or address already",
    "Choose another, or remove that member first.",
  ),
  CONFIG_CHANGE_PENDING: refused(409, "Another change of members is under way", "Try again when it is done."),
  LAST_VOTER: refused(409, "The last voter cannot be removed", "Add a member first."),
  QUORUM_AT_RISK: refused(
    409,
    "Without this voter too few would be alive",
    "Bring a voter back, or remove those that are dead first.",
  ),
  COMPACTED: refused(410, "The revision is compacted", "Start again from a present revision."),
  PRECONDITION_FAILED: refused(412, "The key is not as the request demands", "Read it again, then decide."),
  VALUE_TOO_LARGE: refused(413, "The body is larger than the limit", "Split the value, or raise the limit."),
  WRONG_HOST: refused(421, "This node does not answer to that Host", "Name it with --allowed-host."),
  IDEMPOTENCY_MISMATCH: refused(422, "The Idempotency-Key belongs to another request", "Use a fresh key."),
  HEADERS_TOO_LARGE: refused(431, "The header is larger than the limit", "Send a shorter header."),
  INTERNAL: uncertain(500, "The node failed", "Read the state before you try again."),
  SOURCE_FAILED: refused(502, "The source of the cache group failed", "Try again later."),
  NO_LEADER: refused(503, "No leader is known", "Try again; a quorum may be down."),
  OVERLOADED: refused(503, "The node has as much to do as it takes", "Try again after Retry-After."),
  LEADERSHIP_LOST: uncertain(
    503,
    "Leadership moved while the request waited",
    "Read the state, or send it again under an Idempotency-Key.",
  ),
  TOO_STALE: refused(503, "This node is further behind than the request allows", "Try again, or ask another node."),
  SHUTTING_DOWN: refused(503, "The node is shutting down", "Ask another node."),
  TIMEOUT: uncertain(504, "The request timed out", "Read the state, or send it again under an Idempotency-Key."),
  STORAGE_FULL: refused(507, "A voter's disk is full", "Delete data, or give it more room."),
  // The next two are made by the client and never sent by a node; their status is what a gateway would say.
  UNREACHABLE: refused(503, "No endpoint can be reached", "See that the nodes run and the addresses are right."),
  CONNECTION_LOST: uncertain(
    504,
    "The connection broke before the answer",
    "Read the state, or send it again under an Idempotency-Key.",
  ),
};

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorKinds, value);
}
