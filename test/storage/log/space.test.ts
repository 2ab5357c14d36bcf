import { expect } from "chai";
import { describe, it } from "mocha";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { bytesIn } from "../../support/directory-bytes.ts";
import { append, command, makeTemporaryDirectory, removeDirectory, snapshotAt } from "./fixtures.ts";

describe("the space of a compacted log", () => {
  it("comes back, also when the process ended between the sweep and its end", async () => {
    const directory = await makeTemporaryDirectory();
    const log = new LogStore(new LevelRows(directory));
    await log.open();
    const text = "x".repeat(1000);
    for (let first = 1; first <= 12_000; first += 1000) {
      await log.write([
        append(
          first,
          Array.from({ length: 1000 }, () => command(1, text)),
        ),
      ]);
    }
    expect(await bytesIn(directory)).to.be.greaterThan(12_000_000);
    await log.write([{ kind: "compact", index: 11_900, snapshot: snapshotAt(11_900, 1) }]);
    await log.sweep();
    await log.close();

    const again = new LogStore(new LevelRows(directory));
    await again.open();
    while (await again.sweep());
    await again.close();
    expect(await bytesIn(directory)).to.be.lessThan(2_000_000);
    await removeDirectory(directory);
  });
});
