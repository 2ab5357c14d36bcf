/**
 * @module
 * Answers for those who watch a node: is it ready, what does it count.
 */

import type { Backend } from "./backend.ts";
import type { Exchange } from "./exchange.ts";
import type { ReadinessCheck } from "./request.ts";

/** 200 when every check holds, else 503 that says which do not; all of them with `verbose`. */
export function answerReadiness(
  exchange: Exchange,
  checks: readonly ReadinessCheck[],
  stopping: boolean,
  verbose: boolean,
): void {
  const all = [{ name: "running", ok: !stopping, detail: stopping ? "shutting down" : "serving" }, ...checks];
  const failing = all.filter((check) => !check.ok);
  const ready = failing.length === 0;
  const body = ready && !verbose ? { ready } : { ready, checks: verbose ? all : failing };
  exchange.json(ready ? 200 : 503, body);
}

export function answerMetrics(exchange: Exchange, backend: Backend): void {
  backend.metrics().then(
    ({ contentType, text }) => exchange.send(200, ["Content-Type", contentType], text),
    (error: unknown) => {
      exchange.refuse("INTERNAL", "the metrics could not be gathered");
      backend.fail(error);
    },
  );
}
