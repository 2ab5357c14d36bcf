/**
 * @module
 * From packed entries, as they travel, to what the state machine takes.
 */

import { encode } from "../../codec/codec.ts";
import { decodeCommand } from "../../codec/command.ts";
import { decodePacked, entryTypes } from "../../codec/entries.ts";
import { assert } from "../../errors/assert.ts";
import type { MachineEntry } from "../../kv/machine.ts";
import type { Apply } from "../protocol/raft-store.ts";

/** Throws `CommandFormatError` for a command that this version does not understand: its node must not go on. */
export function machineEntries({ entries, configurations }: Apply): MachineEntry[] {
  let configured = 0;
  return decodePacked(entries).map(([term, time, type, payload]): MachineEntry => {
    switch (type) {
      case entryTypes.command:
        return { kind: "command", term, time, command: decodeCommand(payload) };
      case entryTypes.noop:
        return { kind: "noop", term, time };
      default: {
        assert(type === entryTypes.configuration, "an entry is of a type that this version knows");
        const configuration = configurations[configured++];
        assert(configuration !== undefined, "raft gives the configuration after each configuration entry");
        return { kind: "configuration", term, time, configuration: encode(configuration) };
      }
    }
  });
}
