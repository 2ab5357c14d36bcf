/**
 * @module
 * How much of the disk a directory takes, also while a database moves files about in it.
 */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files; looks again when one that was listed is gone, since what it held stands in another then. */
export async function bytesIn(directory: string): Promise<number> {
  for (;;) {
    const names = await readdir(directory);
    try {
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
