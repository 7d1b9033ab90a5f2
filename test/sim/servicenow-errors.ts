/** Refusals in the words of the Table API. */

/** A refusal with the words the API answers. */
export class ServiceNowError extends Error {
  readonly status: number;
  readonly vendorMessage: string;
  readonly detail: string | null;

  constructor(status: number, message: string, detail: string | null) {
    super(detail === null ? message : `${message}: ${detail}`);
    this.name = "ServiceNowError";
    this.status = status;
    this.vendorMessage = message;
    this.detail = detail;
  }
}

const NO_RECORD = "Record doesn't exist or ACL restricts the record retrieval";

/** The 404 of the Table API: the same words for "missing" and for "hidden". */
export function noRecord(): ServiceNowError {
  return new ServiceNowError(404, "No Record found", NO_RECORD);
}
