import { createLogger, logger } from './logger.js';

/** What a service's process can do: the name of each command is the first argument of the process. */
export interface Commands {
  /** Runs until it is told to stop; done when there is no argument. */
  serve(): Promise<unknown>;
  /** Brings the database to the version of this program and ends. */
  migrate(): Promise<unknown>;
  /** Others, by name. */
  [name: string]: () => Promise<unknown>;
}

/**
 * Runs the command that the process was started with. A failure, or a command that does not exist, is logged and ends
 * the process with status 1.
 */
export async function runCommand(
  service: string,
  commands: Commands,
  [name = 'serve']: readonly string[] = process.argv.slice(2),
  exit: (code: number) => void = process.exit,
): Promise<void> {
  // A service that serves names itself, with its level.
  if (name !== 'serve') createLogger({ service });
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw new Error(`there is no command ${name}`);
    await command();
  } catch (error) {
    logger.fatal({ err: error }, `${service} could not ${name === 'migrate' ? 'migrate' : 'run'}`);
    exit(1);
  }
}
