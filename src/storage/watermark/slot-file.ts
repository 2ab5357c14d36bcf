/**
 * @module
 * The file of the watermark: slots written in place, synced apart. The seam to a simulated disk.
 *
 * Beside it lies `begun`, empty, from the moment that there is a watermark: a node whose log, watermark and state
 * are gone still has its identity, and would otherwise take itself for a new one that has promised nothing.
 */

import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { StorageError } from "../../errors/balsa-error.ts";
import { errorCode, writeFileDurably } from "../files.ts";

const dataSync = promisify(fdatasync);

export interface SlotFile {
  /** Names it to an operator. */
  readonly place: string;
  /** All bytes; null when there has never been such a file. Throws `StorageError` when there was one. */
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
  readonly #begunFile: string;
  #descriptor: number | null = null;

  constructor(path: string) {
    this.place = path;
    this.#begunFile = join(dirname(path), "begun");
  }

  async read(): Promise<Buffer | null> {
    try {
      const bytes = await readFile(this.place);
      // A crash may have come between the two.
      if (!(await this.#hasBegun())) await this.#recordBegun();
      return bytes;
    } catch (cause) {
      if (cause instanceof StorageError) throw cause;
      if (errorCode(cause) !== "ENOENT") throw this.#failure("cannot be read", cause);
    }
    if (!(await this.#hasBegun())) return null;
    const place = dirname(this.place);
    throw new StorageError(`${place} has lost its log: ${this.place} is missing; replace this member`);
  }

  async create(bytes: Buffer): Promise<void> {
    await writeFileDurably(this.place, bytes);
    await this.#recordBegun();
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

  async #hasBegun(): Promise<boolean> {
    try {
      await access(this.#begunFile);
      return true;
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return false;
      throw new StorageError(`${this.#begunFile} cannot be read: ${errorCode(cause)}`, { cause });
    }
  }

  /** Durable when it resolves. */
  #recordBegun(): Promise<void> {
    return writeFileDurably(this.#begunFile, new Uint8Array(0));
  }

  #open(): number {
    this.#descriptor ??= openSync(this.place, "r+");
    return this.#descriptor;
  }

  #failure(what: string, cause: unknown): StorageError {
    return new StorageError(`${this.place} ${what}: ${errorCode(cause)}`, { cause });
  }
}
