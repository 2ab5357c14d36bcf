/**
 * @module
 * The entry of a thread of the pool: its jobs are the functions exported here.
 */

export { deflateBlock, inflateBlock, inspectSnapshot } from "../src/storage/snapshot/job.ts";
