#!/usr/bin/env node
/**
 * @module
 * The binary: sizes Node's thread pool, then runs the command line.
 *
 * LevelDB, zlib and the file system share that pool. It takes its size when it is first used, and Node's ES
 * module loader reads the entry file through it: set from an ES module the size is ignored (measured on
 * Node 20.20). So this folder's package.json makes this one file CommonJS; `command/` is ES modules again.
 */

process.env["UV_THREADPOOL_SIZE"] ??= "16";
void import("./command/program.ts").then((program) => program.run(process.argv.slice(2)));
