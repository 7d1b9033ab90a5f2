/** Refusals in Jira's envelope. */

export class JiraError extends Error {
  readonly status: number;
  readonly errorMessages: string[];
  readonly errors: Record<string, string>;

  constructor(status: number, errorMessages: string[], errors: Record<string, string> = {}) {
    super([...errorMessages, ...Object.entries(errors).map(([field, text]) => `${field}: ${text}`)].join("; "));
    this.name = "JiraError";
    this.status = status;
    this.errorMessages = errorMessages;
    this.errors = errors;
  }
}

/** The same answer for an issue that is missing and for one the caller may not see. */
export function noIssue(): JiraError {
  return new JiraError(404, ["Issue does not exist or you do not have permission to see it."]);
}

/** A field the screen does not have. */
export function noField(field: string): JiraError {
  return new JiraError(400, [], {
    [field]: `Field '${field}' cannot be set. It is not on the appropriate screen, or unknown.`,
  });
}

/** One field's value is refused. */
export function badField(field: string, why: string): JiraError {
  return new JiraError(400, [], { [field]: why });
}
