#!/usr/bin/env node
// The bin: hands this process's arguments and streams to run(), and the verdict to the exit code.

import { run } from './run.ts'

process.exitCode = await run(process.argv.slice(2))
