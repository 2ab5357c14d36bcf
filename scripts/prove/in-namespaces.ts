/**
 * @module
 * The process that has a network of its own: breaks it, and sends what that showed to its parent.
 */

import { Stage } from "../stage.ts";
import { breakNetwork } from "./broken-network.ts";
import { NamespaceNetwork } from "./network.ts";

const stage = new Stage();
try {
  const checks = await breakNetwork(stage, new NamespaceNetwork());
  await new Promise((resolve) => process.send?.(checks, resolve));
} finally {
  await stage.close();
}
if (process.connected) process.disconnect();
