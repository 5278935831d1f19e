/** The command: `pnpm --filter @s3queue/coordinator sim -- --help`. */
import { runCommand } from '../../../../core/test/sim/command/run-command.ts'
import { PODS } from '../run/pods.ts'

process.exitCode = await runCommand(PODS, process.argv.slice(2))
