/** Holds what went over the wire against a vendor's OpenAPI 3.0 document. */
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { z } from "zod";
import type { Exchange } from "./wire-tap.ts";

const Schema = z.record(z.string(), z.unknown());
const Content = z.record(z.string(), z.looseObject({ schema: Schema.optional() }));
const Parameter = z.looseObject({
  name: z.string(),
  in: z.string(),
  required: z.boolean().optional(),
  schema: Schema.optional(),
});
const Operation = z.looseObject({
  parameters: z.array(Parameter).optional(),
  requestBody: z.looseObject({ content: Content, required: z.boolean().optional() }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: Content.optional() })),
});
const Paths = z.record(z.string(), z.record(z.string(), z.unknown()));
const Document = z.looseObject({
  paths: Paths,
  components: z.looseObject({ schemas: z.record(z.string(), Schema) }),
});

/** A request, as far as the document speaks of it. */
export type Asked = Pick<Exchange, "method" | "path" | "requestBody">;

interface Route {
  method: string;
  template: string;
  pattern: RegExp;
  operation: z.infer<typeof Operation>;
}

/** Jira writes offsets without a colon, also where its document says date-time. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/;
const ROOT = "document";

export class ApiDocument {
  readonly #routes: Route[];
  readonly #schemas: Record<string, unknown>;
  readonly #ajv: Ajv;
  readonly #compiled = new Map<string, ValidateFunction>();

  readonly #lists: ReadonlySet<string>;

  /** `lists`: operations that answer with a list of what is described as one. Throws where the text is no document. */
  constructor(text: string, lists: readonly string[] = []) {
    this.#lists = new Set(lists);
    const raw: unknown = JSON.parse(text);
    const { paths, components } = Document.parse(raw);
    this.#schemas = components.schemas;
    this.#routes = Object.entries(paths).flatMap(([template, operations]) =>
      Object.entries(operations).flatMap(([method, described]) => {
        const operation = Operation.safeParse(described);
        const pattern = new RegExp(`^${template.replace(/[.$]/g, "\\$&").replace(/\{[^}]+\}/g, "[^/]+")}$`);
        return operation.success
          ? [{ method: method.toUpperCase(), template, pattern, operation: operation.data }]
          : [];
      }),
    );
    // A literal step goes before a parameter: /issue/bulkfetch is no issue.
    this.#routes.sort((a, b) => parametersIn(a.template) - parametersIn(b.template));
    this.#ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, addUsedSchema: false });
    addFormats.default(this.#ajv);
    this.#ajv.addFormat("date-time", INSTANT);
    this.#ajv.addSchema({ components }, ROOT);
  }

  /** "GET /rest/api/3/myself", or undefined for what the document does not describe. */
  operationOf(exchange: Exchange): string | undefined {
    const route = this.#routeOf(exchange);
    return route && `${route.method} ${route.template}`;
  }

  /** In what the request and its answer differ from the document; each with the operation and the place. */
  differences(exchange: Exchange): string[] {
    const route = this.#routeOf(exchange);
    const answer = route === undefined ? [] : this.#inAnswer(route, exchange);
    return [
      ...this.requestDifferences(exchange),
      ...answer.map((what) => `${route?.method} ${route?.template}: ${what}`),
    ];
  }

  /** The same of the request alone. */
  requestDifferences(asked: Asked): string[] {
    const route = this.#routeOf(asked);
    if (route === undefined) return [`${asked.method} ${asked.path.split("?")[0]} is not in the document`];
    const found = [...this.#inQuery(route, asked), ...this.#inRequest(route, asked)];
    return found.map((what) => `${route.method} ${route.template}: ${what}`);
  }

  #routeOf({ method, path }: Asked): Route | undefined {
    const [pathname = ""] = path.split("?");
    return this.#routes.find((route) => route.method === method && route.pattern.test(pathname));
  }

  #inQuery({ method, template, operation }: Route, { path }: Asked): string[] {
    const given = new URL(path, "http://127.0.0.1").searchParams;
    const known = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
    const unknown = [...new Set(given.keys())].filter((name) => !known.some((parameter) => parameter.name === name));
    return [
      ...unknown.map((name) => `query ${name} is not in the document`),
      ...known.flatMap(({ name, required, schema = {} }) => {
        if (!given.has(name)) return required ? [`query ${name} is missing`] : [];
        const value = typed(given.getAll(name), schema);
        return this.#check(`${method} ${template} query ${name}`, schema, value).map((what) => `query ${name} ${what}`);
      }),
    ];
  }

  #inRequest({ method, template, operation }: Route, { requestBody }: Asked): string[] {
    const described = operation.requestBody;
    if (requestBody === "") return described?.required ? ["the request has no body"] : [];
    const schema = described?.content["application/json"]?.schema;
    if (schema === undefined) return ["the request has a body that is not in the document"];
    const body = parsed(requestBody);
    if (body === undefined) return ["the request's body is not JSON"];
    return [
      ...this.#check(`${method} ${template} request`, schema, body).map((what) => `request ${what}`),
      ...this.#undescribed(schema, body).map((name) => `request /${name} is not in the document`),
    ];
  }

  #inAnswer({ method, template, operation }: Route, { status, contentType, responseBody }: Exchange): string[] {
    const described = operation.responses[String(status)] ?? operation.responses["default"];
    if (described === undefined) return [`status ${status} is not in the document`];
    if (status === 204) return responseBody === "" ? [] : ["204 has a body"];
    const schema = described.content?.["application/json"]?.schema;
    // Of most refusals the document says no more than their status.
    if (schema === undefined) return [];
    if (!contentType.startsWith("application/json")) return [`${status} is ${contentType || "of no type"}`];
    const body = parsed(responseBody);
    if (body === undefined) return [`${status} is not JSON`];
    const bodies: unknown[] = this.#lists.has(`${method} ${template}`) && Array.isArray(body) ? body : [body];
    return bodies.flatMap((each: unknown) =>
      this.#check(`${method} ${template} ${status}`, schema, each).map((what) => `${status} ${what}`),
    );
  }

  #check(name: string, schema: Record<string, unknown>, value: unknown): string[] {
    const validate = this.#compiled.get(name) ?? this.#ajv.compile(rooted(schema));
    this.#compiled.set(name, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const extra: unknown = params["additionalProperty"] ?? params["allowedValues"];
      const place = instancePath.replace(/\/\d+(?=\/|$)/g, "/*");
      return `${place || "/"} ${message ?? "differs"}${extra === undefined ? "" : ` (${JSON.stringify(extra)})`}`;
    });
  }

  /** The document lets most bodies hold anything besides; what we send should still be among what it describes. */
  #undescribed(schema: Record<string, unknown>, body: unknown): string[] {
    const name =
      String(schema["$ref"] ?? "")
        .split("/")
        .at(-1) ?? "";
    const target = Schema.safeParse(this.#schemas[name] ?? schema).data ?? {};
    const properties = Schema.safeParse(target["properties"]);
    if (!properties.success || typeof body !== "object" || body === null) return [];
    return Object.keys(body).filter((key) => !(key in properties.data));
  }
}

/** References of the document are meant from its root, wherever their schema was taken from. */
function rooted(schema: Record<string, unknown>): Record<string, unknown> {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${ROOT}#/`);
  return Schema.parse(JSON.parse(text));
}

function parametersIn(template: string): number {
  return template.split("{").length;
}

/** A query's text as the type it stands for. */
function typed(given: string[], schema: Record<string, unknown>): unknown {
  const [first = ""] = given;
  switch (schema["type"]) {
    case "array":
      return given.flatMap((text) => text.split(","));
    case "integer":
    case "number":
      return Number(first);
    case "boolean":
      return first === "true" ? true : first === "false" ? false : first;
    default:
      return first;
  }
}

/** Undefined where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
