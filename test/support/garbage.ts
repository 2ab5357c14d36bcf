/**
 * @module
 * The collector, when a test asks for it.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A major collection, in a turn that holds no tick. */
export function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  return new Promise((resolve) => {
    setImmediate(() => {
      gc();
      resolve();
    });
  });
}
