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
