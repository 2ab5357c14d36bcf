/**
 * @module
 * What the HTTP face needs of the node behind it. The ingress actor implements it; tests have a double.
 */

import type { StateView } from "../kv/state-view.ts";
import type { IngressRequest, ReadinessCheck } from "./request.ts";
import type { SlowRequestFields } from "./slow-requests.ts";

export interface Backend {
  /** The state of this node; undefined until it is open. */
  view(): StateView | undefined;
  /**
   * When the leader's newest word that is applied here was sent, in milliseconds of the clock that `nowMs` reads.
   * 0: it was never heard. Asked *before* the state is read, it is a bound for what the read reflects.
   */
  freshAtMs(): number;
  /** Milliseconds since something was last applied here: so long the state's cluster time has stood still. */
  sinceAppliedMs(): number;
  /** `performance.timeOrigin + performance.now()`: one clock for all threads of the process. */
  nowMs(): number;
  /** Answered once through `HttpServer.answer`, unless `cancel` comes first. Never answers before it returns. */
  submit(requestId: number, request: IngressRequest, deadlineMs: number): void;
  /** The client is gone. */
  cancel(requestId: number): void;
  /** The body of `GET /status`. */
  status(): object;
  readiness(): readonly ReadinessCheck[];
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Something for the operator's eyes. */
  warn(message: string, fields: SlowRequestFields): void;
  /** The node cannot go on: a record that does not verify, a broken invariant. */
  fail(cause: unknown): void;
}
