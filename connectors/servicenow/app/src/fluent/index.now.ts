import "@servicenow/sdk/global";
import { BusinessRule, Property, ScriptInclude } from "@servicenow/sdk/core";

Property({
  $id: Now.ID["Property interlock.snow.url"],
  name: "interlock.snow.url",
  description: "Where Interlock listens. Set by interlock connect",
  type: "string",
  value: "https://interlock.acme.com/webhooks/snow",
  isPrivate: false,
});

ScriptInclude({
  $id: Now.ID["ScriptInclude InterlockWebhook"],
  name: "InterlockWebhook",
  description: "Tells Interlock that a record may have changed, signed. Set by interlock connect",
  script: Now.include("../scripts/InterlockWebhook.js"),
  clientCallable: false,
  accessibleFrom: "package_private",
  active: true,
});

BusinessRule({
  $id: Now.ID["BusinessRule Interlock (snow): incident"],
  name: "Interlock (snow): incident",
  description: "Tells Interlock that a record may have changed. Set by interlock connect",
  table: "incident",
  when: "async",
  action: ["insert","update"],
  order: 10000,
  filterCondition: "sys_updated_by!=interlock.bot^EQ",
  script: "(function executeRule(current, previous) {\n    new InterlockWebhook('snow').tell('incident', current);\n})(current, previous);\n",
  active: true,
});

BusinessRule({
  $id: Now.ID["BusinessRule Interlock (snow): change_request"],
  name: "Interlock (snow): change_request",
  description: "Tells Interlock that a record may have changed. Set by interlock connect",
  table: "change_request",
  when: "async",
  action: ["insert","update"],
  order: 10000,
  filterCondition: "sys_updated_by!=interlock.bot^EQ",
  script: "(function executeRule(current, previous) {\n    new InterlockWebhook('snow').tell('change_request', current);\n})(current, previous);\n",
  active: true,
});

BusinessRule({
  $id: Now.ID["BusinessRule Interlock (snow): sc_req_item"],
  name: "Interlock (snow): sc_req_item",
  description: "Tells Interlock that a record may have changed. Set by interlock connect",
  table: "sc_req_item",
  when: "async",
  action: ["insert","update"],
  order: 10000,
  filterCondition: "sys_updated_by!=interlock.bot^EQ",
  script: "(function executeRule(current, previous) {\n    new InterlockWebhook('snow').tell('sc_req_item', current);\n})(current, previous);\n",
  active: true,
});
