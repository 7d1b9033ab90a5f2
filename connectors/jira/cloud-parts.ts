import { createCloudClient, createServiceDeskClient } from "jira.js";
import { type ClientConfig, createClient } from "jira.js/core";
import type { IssueRef, JiraCaller, Pace } from "./caller.ts";
import { findLink, type LinkResult, putLink, type RemoteLink } from "./links.ts";
import {
  type RequestApproval,
  readApprovals,
  readRequest,
  readSlas,
  type ServiceRequest,
  type SlaClock,
} from "./service-desk.ts";
import { type Move, type Moved, moveIssue } from "./transitions.ts";

/** What gates and links need of a Jira Cloud site, beyond reading and writing tickets. */
export interface CloudParts {
  moveIssue(move: Move): Promise<Moved>;
  findLink(ref: IssueRef, globalId: string): Promise<RemoteLink | undefined>;
  putLink(ref: IssueRef, link: RemoteLink, last?: RemoteLink): Promise<LinkResult>;
  readRequest(ref: IssueRef): Promise<ServiceRequest>;
  readApprovals(ref: IssueRef): Promise<RequestApproval[]>;
  readSlas(ref: IssueRef): Promise<SlaClock[]>;
}

export interface CloudPartsOptions {
  config: ClientConfig;
  /** The connection's own, so that its limits hold for these calls too. */
  caller: JiraCaller;
  pace: Pace;
  /** See `TransitionOptions`. */
  approvalStatuses: ReadonlySet<string>;
}

/** Each call's promises and faults stand with the function of its name. */
export function cloudParts({ config, caller, pace, approvalStatuses }: CloudPartsOptions): CloudParts {
  const client = createClient(config);
  const { issues, issueRemoteLinks: remoteLinks } = createCloudClient(client);
  // Of the service desk's calls only these three go on from here: none of them answers an approval.
  const { getCustomerRequestByIdOrKey, getApprovals, getSlaInformation } = createServiceDeskClient(client).request;
  const requests = { getCustomerRequestByIdOrKey, getApprovals, getSlaInformation };
  return {
    moveIssue: (move) => moveIssue({ caller, pace, issues, approvalStatuses }, move),
    findLink: (ref, globalId) => findLink({ caller, pace, remoteLinks }, ref, globalId),
    putLink: (ref, link, last) => putLink({ caller, pace, remoteLinks }, ref, link, last),
    readRequest: (ref) => readRequest({ caller, requests }, ref),
    readApprovals: (ref) => readApprovals({ caller, requests }, ref),
    readSlas: (ref) => readSlas({ caller, requests }, ref),
  };
}
