import winston from "winston";
import type { Log } from "../core/ports.ts";

/** Structured lines on stderr, so that what a command prints on stdout can be piped. Level says who must act. */
export function createLog(level: string): Log {
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports: [new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })],
  });
  return {
    error: (message, fields) => void logger.error(message, fields),
    warn: (message, fields) => void logger.warn(message, fields),
    info: (message, fields) => void logger.info(message, fields),
    debug: (message, fields) => void logger.debug(message, fields),
  };
}

/** Says nothing; for tests and for commands whose output is their answer. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };
