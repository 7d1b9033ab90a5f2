import type { Log } from "../../core/ports.ts";

export interface LogLine {
  level: keyof Log;
  message: string;
  fields: Record<string, unknown>;
}

export interface RecordingLog extends Log {
  lines: LogLine[];
  /** Everything that was said, as it would stand in a file. */
  text(): string;
}

/** Keeps every line of every level, so that a test can look for what must not stand there. */
export function recordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  const at =
    (level: keyof Log) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      lines.push({ level, message, fields });
    };
  return {
    lines,
    text: () => lines.map((line) => JSON.stringify(line)).join("\n"),
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
  };
}
