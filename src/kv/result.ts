/**
 * @module
 * What became of a command, as the node that proposed it learns.
 */

export type Result =
  | { readonly kind: "put"; readonly modRevision: number }
  | { readonly kind: "deleted"; readonly deleted: number }
  | { readonly kind: "putAll" }
  /** Nothing changed. `modRevision` of the present key, 0 when it is not there. */
  | { readonly kind: "conditionFailed"; readonly modRevision: number };

const codes = { put: 1, deleted: 2, putAll: 3, conditionFailed: 4 } as const;

/** Positional, for the edge between store and ingress: the tail of a `WireResult`. */
export function resultToWire(result: Result): unknown[] {
  switch (result.kind) {
    case "put":
      return [codes.put, result.modRevision];
    case "deleted":
      return [codes.deleted, result.deleted];
    case "putAll":
      return [codes.putAll];
    case "conditionFailed":
      return [codes.conditionFailed, result.modRevision];
  }
}

/** The inverse of `resultToWire`. Throws a RangeError for anything else. */
export function resultFromWire(wire: readonly unknown[]): Result {
  const [code, number] = wire;
  if (code === codes.putAll) return { kind: "putAll" };
  if (typeof number !== "number") throw new RangeError("not the wire form of a result");
  switch (code) {
    case codes.put:
      return { kind: "put", modRevision: number };
    case codes.deleted:
      return { kind: "deleted", deleted: number };
    case codes.conditionFailed:
      return { kind: "conditionFailed", modRevision: number };
    default:
      throw new RangeError(`unknown result ${String(code)}`);
  }
}
