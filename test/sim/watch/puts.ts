/**
 * @module
 * The values that an operation may put: each is given once in a run, so that a value tells its write.
 */

import type { Operation } from "../../../src/kv/command.ts";
import type { TransactionOperation } from "../../../src/kv/transaction.ts";

export function putsOf(operation: Operation): Uint8Array[] {
  switch (operation.kind) {
    case "put":
      return [operation.value];
    case "putAll":
      return operation.pairs.map(({ value }) => value);
    case "txn":
      return putsIn([operation]);
    default:
      return [];
  }
}

/** In either branch, nested ones included. */
function putsIn(operations: readonly TransactionOperation[]): Uint8Array[] {
  return operations.flatMap((operation) => {
    if (operation.kind === "put") return [operation.value];
    if (operation.kind !== "txn") return [];
    const { success, failure } = operation.transaction;
    return putsIn([...success, ...failure]);
  });
}
