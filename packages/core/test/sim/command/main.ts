/** The command: `pnpm --filter @s3queue/core sim -- --help`. */
import { CORE } from '../run/core-subject.ts'
import { runCommand } from './run-command.ts'

process.exitCode = await runCommand(CORE, process.argv.slice(2))
