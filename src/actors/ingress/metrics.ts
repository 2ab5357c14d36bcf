/**
 * @module
 * `GET /metrics`: what the board and the HTTP face count, in Prometheus' text form. Nothing is gathered between
 * scrapes.
 */

import { type Metric, Registry } from "prom-client";
import type { Board, BoardCell, BoardHistogram } from "../../actor/board.ts";
import { histogramBounds } from "../../actor/histogram.ts";
import { countedMethods, durationBoundsMs, type Meter, requestKinds } from "../../http/meter.ts";
import type { WatchCounts } from "../../http/watches.ts";

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly collect: () => readonly Sample[];
}

export interface MetricSources {
  readonly board: Board;
  readonly meter: Meter;
  readonly isLeader: () => boolean;
  readonly pendingRequests: () => number;
  readonly commandsInFlight: () => number;
  readonly connections: () => number;
  readonly watches: () => WatchCounts;
}

const gaugeCells: readonly (readonly [name: string, cell: BoardCell, help: string])[] = [
  ["balsa_term", "term", "The current term"],
  ["balsa_leader_known", "leaderKnown", "1 while this node knows a leader"],
  ["balsa_commit_index", "commitIndex", "The last index known to be committed"],
  ["balsa_applied_index", "appliedIndex", "The last index applied to the state"],
  ["balsa_persisted_index", "persistedIndex", "The last index that is durable in this node's log"],
  ["balsa_last_log_index", "lastLogIndex", "The last index of this node's log"],
  ["balsa_snapshot_index", "snapshotIndex", "The last index that the newest snapshot includes"],
  ["balsa_revision", "revisionApplied", "The store revision applied here"],
  ["balsa_compacted_revision", "compactedRevision", "The oldest revision that can still be asked for"],
  ["balsa_history_bytes", "historyBytes", "Bytes of superseded versions that this node holds"],
  ["balsa_leases", "leases", "Leases, those of a single key among them"],
  ["balsa_idempotency_keys", "sessions", "Idempotency keys that are remembered"],
  ["balsa_idempotency_bytes", "sessionBytes", "Bytes that these keys and their outcomes take"],
  ["balsa_log_bytes", "logBytes", "Bytes that the log takes, roughly"],
  ["balsa_state_hash_mismatch", "stateMismatches", "Members whose state is not this leader's, 0 on others"],
  ["balsa_peer_queue_bytes", "peerQueueBytes", "Bytes that wait to be sent to peers"],
];

const counterCells: readonly (readonly [name: string, cell: BoardCell, help: string])[] = [
  ["balsa_elections_total", "elections", "Elections that this node stood for"],
  ["balsa_terms_total", "termsSeen", "Changes of the term that this node has seen"],
  ["balsa_log_syncs_total", "logSyncs", "Synced batches of the log"],
  ["balsa_log_entries_total", "logEntries", "Entries written to the log"],
];

const boardDistributions: readonly (readonly [name: string, histogram: BoardHistogram, help: string])[] = [
  ["balsa_heartbeat_gap_seconds", "heartbeatGap", "Between two rounds of heartbeats while this node leads"],
  ["balsa_heartbeat_heard_gap_seconds", "heartbeatHeardGap", "Between two heartbeats heard from the leader"],
  ["balsa_log_sync_seconds", "logSync", "One synced batch of the log"],
  ["balsa_apply_lag_seconds", "applyLag", "From committed to applied, by batch"],
  ["balsa_apply_batch_seconds", "applyBatch", "Applying one batch to the state"],
];

const loops: readonly (readonly [actor: string, histogram: BoardHistogram])[] = [
  ["ingress", "loopDelay:ingress"],
  ["raft", "loopDelay:raft"],
  ["log", "loopDelay:log"],
  ["store", "loopDelay:store"],
  ["main", "loopDelay:main"],
];

const edges: readonly (readonly [edge: string, sent: BoardCell, received: BoardCell])[] = [
  ["ingress>raft", "ingress>raft:sent", "ingress>raft:received"],
  ["raft>ingress", "raft>ingress:sent", "raft>ingress:received"],
  ["raft>log", "raft>log:sent", "raft>log:received"],
  ["log>raft", "log>raft:sent", "log>raft:received"],
  ["raft>store", "raft>store:sent", "raft>store:received"],
  ["store>raft", "store>raft:sent", "store>raft:received"],
  ["store>ingress", "store>ingress:sent", "store>ingress:received"],
  ["ingress>store", "ingress>store:sent", "ingress>store:received"],
];

/** A registry that reads its sources when it is scraped. */
export function createMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  for (const family of [
    ...boardFamilies(sources),
    ...httpFamilies(sources),
    ...watchFamilies(sources),
    ...processFamilies(),
  ]) {
    // prom-client asks of a metric no more than a name and `get`; its types name only its own classes.
    const metric = { name: family.name, get: () => ({ ...family, aggregator: "sum", values: family.collect() }) };
    registry.registerMetric(metric as unknown as Metric);
  }
  return registry;
}

function boardFamilies({ board, isLeader }: MetricSources): Family[] {
  const single = (type: "gauge" | "counter") => {
    return ([name, cell, help]: readonly [string, BoardCell, string]): Family => {
      return { name, help, type, collect: () => [{ labels: {}, value: board.get(cell) }] };
    };
  };
  const depths = (): Sample[] =>
    edges.map(([edge, sent, received]) => ({
      labels: { edge },
      value: Math.max(0, board.get(sent) - board.get(received)),
    }));
  const frames = (): Sample[] => edges.map(([edge, sent]) => ({ labels: { edge }, value: board.get(sent) }));
  return [
    ...gaugeCells.map(single("gauge")),
    ...counterCells.map(single("counter")),
    gauge("balsa_is_leader", "1 while this node leads", () => (isLeader() ? 1 : 0)),
    { name: "balsa_edge_frames_total", help: "Frames sent between two actors", type: "counter", collect: frames },
    { name: "balsa_edge_depth_frames", help: "Frames between two actors", type: "gauge", collect: depths },
    ...boardDistributions.map(([name, histogram, help]): Family => {
      return { name, help, type: "histogram", collect: () => boardSamples(name, {}, board, histogram) };
    }),
    {
      name: "balsa_event_loop_delay_seconds",
      help: "How late the event loop of an actor ran a timer",
      type: "histogram",
      collect: () =>
        loops.flatMap(([actor, histogram]) =>
          boardSamples("balsa_event_loop_delay_seconds", { actor }, board, histogram),
        ),
    },
  ];
}

function httpFamilies({ meter, pendingRequests, commandsInFlight, connections }: MetricSources): Family[] {
  const answers = (): Sample[] => {
    const samples: Sample[] = [];
    for (const method of countedMethods) {
      for (const statusClass of [1, 2, 3, 4, 5] as const) {
        const value = meter.answersOf(method, statusClass);
        if (value > 0) samples.push({ labels: { method, status: `${statusClass}xx` }, value });
      }
    }
    return samples;
  };
  const boundsSeconds = durationBoundsMs.map((bound) => bound / 1000);
  const durations = (): Sample[] =>
    requestKinds.flatMap((kind) => {
      const { counts, sumMs } = meter.durations(kind);
      return histogramSamples("balsa_http_request_seconds", { kind }, boundsSeconds, counts, sumMs / 1000);
    });
  return [
    { name: "balsa_http_requests_total", help: "Requests answered", type: "counter", collect: answers },
    { name: "balsa_http_request_seconds", help: "From header to answer", type: "histogram", collect: durations },
    gauge("balsa_http_connections", "Open client connections", connections),
    gauge("balsa_pending_requests", "Requests that wait for an answer", pendingRequests),
    gauge("balsa_commands_in_flight", "Commands proposed by this node and not known to be applied", commandsInFlight),
  ];
}

function watchFamilies({ watches }: MetricSources): Family[] {
  const counter = (name: string, help: string, read: () => number): Family => {
    return { name, help, type: "counter", collect: () => [{ labels: {}, value: read() }] };
  };
  return [
    gauge("balsa_watchers", "Open watches", () => watches().watchers),
    counter("balsa_watch_events_total", "Events given to watches", () => watches().events),
    counter("balsa_watch_lagged_total", "Watches ended because they lagged", () => watches().lagged),
    gauge("balsa_watch_backlog_bytes", "Events that watching clients have not taken", () => watches().backlogBytes),
  ];
}

function processFamilies(): Family[] {
  return [
    gauge("process_resident_memory_bytes", "Resident memory of the process", () => process.memoryUsage.rss()),
    gauge("balsa_ingress_heap_bytes", "Heap used by the ingress thread", () => process.memoryUsage().heapUsed),
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the process, user and system",
      type: "counter",
      collect: () => {
        const { user, system } = process.cpuUsage();
        return [{ labels: {}, value: (user + system) / 1e6 }];
      },
    },
  ];
}

function gauge(name: string, help: string, read: () => number): Family {
  return { name, help, type: "gauge", collect: () => [{ labels: {}, value: read() }] };
}

const boardBoundsSeconds = histogramBounds.map((bound) => bound / 1e6);

function boardSamples(
  name: string,
  labels: Readonly<Record<string, string>>,
  board: Board,
  histogram: BoardHistogram,
): Sample[] {
  const { counts, sum } = board.histogram(histogram);
  return histogramSamples(name, labels, boardBoundsSeconds, counts, sum / 1e6);
}

/** `counts` has one more item than `bounds`: what lies above them all. */
function histogramSamples(
  name: string,
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  const samples: Sample[] = [];
  let total = 0;
  for (const [position, bound] of bounds.entries()) {
    total += counts[position] ?? 0;
    samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: total });
  }
  total += counts[bounds.length] ?? 0;
  samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: total });
  samples.push(
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  );
  return samples;
}
