/** Imports point inward. Each rule carries the sentence for whoever trips it. */
module.exports = {
  forbidden: [
    {
      name: "core-imports-only-core",
      severity: "error",
      comment:
        "core is the domain: it knows neither HTTP nor vendors nor the command line. Put a port into core/ports.ts and let cli/ wire the adapter in.",
      from: { path: "^core/" },
      to: { path: "^(routes|connectors|cli|test)/" },
    },
    {
      name: "routes-know-core-only",
      severity: "error",
      comment: "routes/ speaks HTTP for core and knows no vendor; what it needs of a connector comes through a port.",
      from: { path: "^routes/" },
      to: { path: "^(connectors|cli|test)/" },
    },
    {
      name: "connectors-know-core-only",
      severity: "error",
      comment: "A connector adapts one vendor to core's ports and is wired in by cli/.",
      from: { path: "^connectors/" },
      to: { path: "^(routes|cli|test)/" },
    },
    {
      name: "connectors-never-import-each-other",
      severity: "error",
      comment:
        "Two vendors that share code through each other change together by accident; what they share stands in connectors/ itself.",
      from: { path: "^connectors/([^/]+)/" },
      to: { path: "^connectors/[^/]+/", pathNot: "^connectors/$1/" },
    },
    {
      name: "database-only-in-store",
      severity: "error",
      comment: "core/store is the only database code: everything else asks the Store.",
      from: { path: "^(core|routes|connectors|cli)/", pathNot: "^core/store/" },
      to: { path: "(node_modules/(kysely|pg)/|^node:sqlite$)" },
    },
    {
      name: "http-clients-only-in-connectors",
      severity: "error",
      comment: "Vendors are called by connectors/ only, where calls are limited, timed and classified.",
      from: { path: "^(core|routes)/" },
      to: { path: "node_modules/(axios|jira\\.js|undici|@anthropic-ai|@ai-sdk|ai)/" },
    },
    {
      name: "ai-sdks-behind-open-provider",
      severity: "error",
      comment:
        "An SDK for models is loaded when a provider is configured, and by connectors/ai/open.ts alone, whose imports of the files that need one are dynamic.",
      from: {
        path: "^(cli|routes|core|connectors)/",
        pathNot: "^connectors/ai/(anthropic|openai|google|bedrock|compatible)\\.ts$",
      },
      to: { path: "node_modules/(@anthropic-ai|@ai-sdk|ai)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "ai-dialects-loaded-when-configured",
      severity: "error",
      comment: "A static import of one of these would load its SDK although AI is off: open them by openProvider.",
      from: { path: "^(cli|routes|core|connectors)/" },
      to: {
        path: "^connectors/ai/(anthropic|openai|google|bedrock|compatible)\\.ts$",
        dependencyTypesNot: ["dynamic-import"],
      },
    },
    {
      name: "production-never-imports-tests",
      severity: "error",
      comment: "The container image leaves test/ out.",
      from: { path: "^(core|routes|connectors|cli)/" },
      to: { path: "^test/" },
    },
    {
      name: "no-circular-values",
      severity: "error",
      comment: "Two files that need each other at run time are one idea in two places; types may point both ways.",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-unlisted-package",
      severity: "error",
      comment: "Every package stands in package.json, with its reason in docs/dependencies.md.",
      from: { path: "^(core|routes|connectors|cli)/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types"],
    },
  },
};
