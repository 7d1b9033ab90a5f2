import { z } from "zod";
import type { Patience } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { inChunks, listRows, SYS_ID } from "./table.ts";

const IDS_AT_ONCE = 40;
/** More names than any service desk works with; beyond, the oldest are asked for again. */
const NAMES_MAX = 100_000;

/** What a mapping reads beside a reference. */
export interface Named {
  name: string;
  email: string;
}

const Row = z.looseObject({ sys_id: z.string(), name: z.string().optional(), email: z.string().optional() });

/** sys_ids → names of groups, people and items, active or not: what a reference of the past pointed to. */
export class ReferenceNames {
  readonly #known = new Map<string, Named | undefined>();
  readonly #connection: string;
  readonly #client: ServiceNowClient;
  readonly #patiently: Patience;

  constructor(connection: string, client: ServiceNowClient, patiently: Patience) {
    this.#connection = connection;
    this.#client = client;
    this.#patiently = patiently;
  }

  /** Keeps what a record that was read says of what it points to. */
  learn(table: string, id: string, named: Named): void {
    if (id !== "" && named.name !== "") this.#keep(table, id, named);
  }

  /** Asks for those that are not known yet. */
  async ask(table: string, ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => SYS_ID.test(id) && !this.#known.has(`${table} ${id}`));
    const fields = ["sys_id", "name", ...(table === "sys_user" ? ["email"] : [])];
    for (const chunk of inChunks(unknown, IDS_AT_ONCE)) {
      const query = { where: [{ field: "sys_id", in: chunk }] };
      const listing = { operation: "look_up", table, query, fields, limit: chunk.length, row: Row };
      const { rows } = await this.#patiently(() => listRows(this.#connection, this.#client, listing));
      const found = new Map(rows.map((row) => [row.sys_id, row]));
      for (const id of chunk) {
        const { name = "", email = "" } = found.get(id) ?? {};
        this.#keep(table, id, name === "" ? undefined : { name, email });
      }
    }
  }

  /** Undefined where there is nothing of that id, or nothing that we may see. */
  of(table: string, id: string): Named | undefined {
    return this.#known.get(`${table} ${id}`);
  }

  #keep(table: string, id: string, named: Named | undefined): void {
    const key = `${table} ${id}`;
    const oldest = this.#known.size >= NAMES_MAX ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined && !this.#known.has(key)) this.#known.delete(oldest);
    this.#known.set(key, named);
  }
}
