/**
 * @module
 * The file of the watermark: slots written in place, synced apart. The seam to a simulated disk.
 */

import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { StorageError } from "../../errors/balsa-error.ts";
import { errorCode, writeFileDurably } from "../files.ts";

const dataSync = promisify(fdatasync);

export interface SlotFile {
  /** Names it to an operator. */
  readonly place: string;
  /** All bytes; null when there is no such file. */
  read(): Promise<Buffer | null>;
  /** Makes the file, whole and durable, with these bytes. */
  create(bytes: Buffer): Promise<void>;
  /** Survives the end of the process when it returns, of the machine after the next `sync`. */
  write(bytes: Buffer, position: number): void;
  sync(): Promise<void>;
  close(): void;
}

export class DiskSlotFile implements SlotFile {
  readonly place: string;
  #descriptor: number | null = null;

  constructor(path: string) {
    this.place = path;
  }

  async read(): Promise<Buffer | null> {
    try {
      return await readFile(this.place);
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return null;
      throw this.#failure("cannot be read", cause);
    }
  }

  create(bytes: Buffer): Promise<void> {
    return writeFileDurably(this.place, bytes);
  }

  write(bytes: Buffer, position: number): void {
    try {
      const written = writeSync(this.#open(), bytes, 0, bytes.byteLength, position);
      if (written !== bytes.byteLength) throw new Error(`only ${written} of ${bytes.byteLength} bytes`);
    } catch (cause) {
      throw this.#failure("cannot be written", cause);
    }
  }

  async sync(): Promise<void> {
    try {
      await dataSync(this.#open());
    } catch (cause) {
      throw this.#failure("cannot be synced", cause);
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #open(): number {
    this.#descriptor ??= openSync(this.place, "r+");
    return this.#descriptor;
  }

  #failure(what: string, cause: unknown): StorageError {
    return new StorageError(`${this.place} ${what}: ${errorCode(cause)}`, { cause });
  }
}
