import { expect } from "chai";
import { describe, it } from "mocha";
import { ingressDefaults } from "../../../src/actors/ingress/limits.ts";
import { createIngress, type Ingress, type IngressInput } from "../../../src/actors/ingress/turn.ts";
import type { IngressToRaft } from "../../../src/actors/protocol/ingress-raft.ts";
import type { IngressRequest } from "../../../src/http/request.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";

const linearizable: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };
const byLease: IngressRequest = { kind: "leaseRead", minRevision: 0, redirect: false };

/** Asks all of that in one turn of an ingress whose node leads; gives what it asks of raft. */
function asked(leaseReads: boolean, ...requests: readonly IngressRequest[]): readonly IngressToRaft[] {
  const bounds = { pendingRequestsMax: 8, proposalsInFlightMax: 4 };
  const ingress: Ingress = createIngress({ ...ingressDefaults, nodeId: "n1", origin: 1, ...bounds, leaseReads });
  const led = {
    kind: "leadershipChanged",
    role: "leader",
    term: 1,
    leaderId: "n1",
    configuration: emptyConfiguration,
    removed: false,
  } as const;
  const inputs = requests.map((request, at): IngressInput => {
    return { kind: "request", requestId: at + 1, request, deadlineMs: 1_000 };
  });
  return ingress.turn([{ kind: "raft", messages: [led] }, ...inputs], { nowMs: 0, appliedIndex: 0, revision: 0 })
    .toRaft;
}

describe("ingress: reads by lease", () => {
  it("are asked for in a round of their own, so that no other round holds them up", () => {
    expect(asked(true, linearizable, byLease, byLease)).to.deep.equal([
      { kind: "readIndex", readId: 1 },
      { kind: "leaseRead", readId: 2 },
    ]);
  });

  it("share the round of the linearizable ones where there are no leases", () => {
    expect(asked(false, linearizable, byLease, byLease)).to.deep.equal([{ kind: "readIndex", readId: 1 }]);
  });
});
