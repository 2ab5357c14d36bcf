/**
 * @module
 * The README's example of the library, word for word: a test compares them, and runs this one.
 */

import assert from "node:assert/strict";
import { startCluster } from "balsa";

await using cluster = await startCluster({ nodes: 3 });
await cluster.client.put("greeting", "hello");

const leader = await cluster.leader();
await cluster.partition([leader.id]); // The others cannot hear it, and elect another.
const [other] = cluster.nodes.filter((node) => node !== leader);
await other?.client.put("greeting", "hello again");

await cluster.heal();
await leader.crash(); // As kill -9 would.
await (await cluster.restart(leader.id)).ready();
const found = await cluster.node(leader.id).client.get("greeting");
assert.equal(Buffer.from(found?.value ?? "").toString(), "hello again");
