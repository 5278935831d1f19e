/** From the command line to the exit code. */
import { InvalidOption } from '@s3queue/storage'
import { checkAccount } from './checks.ts'
import { HELP } from './help.ts'
import { startMailServer } from './mail-server.ts'
import { type DemoOptions, readOptions, UsageError } from './options.ts'
import { checkShared } from './pods/check-shared.ts'
import { describeShared } from './pods/report-shared.ts'
import { createProgress } from './progress.ts'
import { describeAccount, describeChecks } from './report.ts'
import { run, type Surroundings } from './run.ts'
import { tellStory } from './story.ts'
import { openTourQueue, type TourSurroundings, tour } from './tour/tour.ts'

const FAILED = 1
const MISUSED = 2
const INTERRUPTED = 130

type Replacements = Partial<Surroundings & TourSurroundings>

/** Runs the demo and resolves to the exit code. `replace` puts other parts into it, for tests. */
export async function demo(args: readonly string[], replace: Replacements = {}): Promise<number> {
  let options: DemoOptions | 'help'
  try {
    options = readOptions(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\nWhat there is: pnpm demo --help`)
    return MISUSED
  }
  if (options === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  try {
    return await runAndReport(options, replace)
  } catch (error) {
    console.error(`The demo failed. ${error instanceof Error ? error.message : error}`)
    return error instanceof InvalidOption ? MISUSED : FAILED
  }
}

async function runAndReport(options: DemoOptions, replace: Replacements): Promise<number> {
  const interrupt = listenForInterrupts()
  const loud = options.quiet ? undefined : process.stderr
  const surroundings: Surroundings & TourSurroundings = {
    startMailServer,
    showProgress: loud === undefined ? () => () => {} : createProgress(loud),
    say: (line) => void loud?.write(`${line}\n`),
    openTourQueue,
    print: (line) => console.log(line),
    interrupt: interrupt.signal,
    ...replace,
  }
  try {
    if (options.tour) return (await tour(options, surroundings)) ? 0 : FAILED
    const account = await run(options, surroundings)
    const { shared } = account
    console.log(shared === undefined ? describeAccount(account) : describeShared(account, shared))
    if (account.interrupted) return INTERRUPTED
    const story = shared === undefined ? tellStory(account) : undefined
    if (story !== undefined) console.log(`\n${story}`)
    const checks = [...checkAccount(account), ...(shared === undefined ? [] : checkShared(account, shared))]
    console.log(`\n${describeChecks(checks)}`)
    return checks.every(({ holds }) => holds) ? 0 : FAILED
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED
    throw error
  } finally {
    interrupt.end()
  }
}

/** The first Ctrl-C asks to stop in good order, the second one does not wait. */
function listenForInterrupts(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort(new Error('Stopped by the user.'))
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    end: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  }
}
