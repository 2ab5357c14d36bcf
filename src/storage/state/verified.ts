/**
 * @module
 * What a reader makes of a row that is not what was written.
 */

import { StorageError } from "../../errors/balsa-error.ts";
import { RecordFormatError } from "../../kv/record.ts";

/** As `decode`, but a damaged row is the failure of a disk. */
export function verifiedNow<Decoded>(decode: () => Decoded): Decoded {
  try {
    return decode();
  } catch (cause) {
    throw asStorageError(cause);
  }
}

/** As `verifiedNow`, of what is read on the way. */
export async function verified<Decoded>(decode: () => Decoded | Promise<Decoded>): Promise<Decoded> {
  try {
    return await decode();
  } catch (cause) {
    throw asStorageError(cause);
  }
}

function asStorageError(cause: unknown): unknown {
  return cause instanceof RecordFormatError ? new StorageError("the state holds a damaged row", { cause }) : cause;
}
