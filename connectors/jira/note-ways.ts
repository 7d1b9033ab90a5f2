import NodeCache from "node-cache";
import { z } from "zod";
import { projectOf } from "./shape.ts";

const PROJECTS_MAX = 1_000;
const REFUSAL_KNOWN_SECONDS = 600;

/** Project types without customers. In any other, and in one that Jira does not name, a comment may be shown to them. */
const WITHOUT_CUSTOMERS: ReadonlySet<string> = new Set(["software", "business"]);

const InProject = z.looseObject({ project: z.looseObject({ projectTypeKey: z.string() }) });

/**
 * How a note reaches an issue, by project: along with the edit, or in a call of its own. Only the latter can say that
 * it is internal, so a project whose comments customers may see takes no other; nor does an edit screen without a comment.
 */
export class NoteWays {
  readonly #types = new Map<string, string>();
  readonly #refused = new NodeCache({
    stdTTL: REFUSAL_KNOWN_SECONDS,
    maxKeys: PROJECTS_MAX,
    useClones: false,
    checkperiod: 0,
  });

  /** Learns the type of an issue's project from the issue as it was read. */
  saw(issue: { key: string; fields?: Readonly<Record<string, unknown>> | undefined }): void {
    const project = projectOf(issue.key);
    const read = InProject.safeParse(issue.fields);
    this.#types.delete(project);
    if (!read.success) return;
    // What is forgotten here is taken for a project with customers until an issue of it is read again.
    if (this.#types.size >= PROJECTS_MAX) this.#types.clear();
    this.#types.set(project, read.data.project.projectTypeKey);
  }

  /** Whether an edit may carry a note along. False for a project of which nothing is known. */
  withEdit(project: string): boolean {
    return WITHOUT_CUSTOMERS.has(this.#types.get(project) ?? "") && !this.#refused.has(project);
  }

  /** Remembers for ten minutes that an edit of this project takes no comment. */
  refused(project: string): void {
    if (this.#refused.keys().length >= PROJECTS_MAX) this.#refused.flushAll();
    this.#refused.set(project, true);
  }
}
