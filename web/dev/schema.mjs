// Types from the server's OpenAPI document: `wxcode openapi | npm run schema` writes them, with
// `-- --check` it compares them instead.
import { readFileSync, writeFileSync } from "node:fs";
import { text as all } from "node:stream/consumers";
import openapi, { astToString } from "openapi-typescript";

const FILE = new URL("../src/api/schema.ts", import.meta.url);
const HEAD = "// Made from the OpenAPI document by `wxcode openapi | npm run schema`; do not edit.\n";

const document = JSON.parse(await all(process.stdin));
const { schemas } = document.components;

/** The names of all schemas below a part of the document. */
function below(part, found = new Set()) {
  for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (found.has(name)) continue;
    found.add(name);
    below(schemas[name], found);
  }
  return found;
}

// Types need no words about routes and refusals.
for (const path of Object.values(document.paths))
  for (const operation of Object.values(path)) {
    delete operation.description;
    delete operation.summary;
    for (const status of Object.keys(operation.responses))
      if (!status.startsWith("2")) delete operation.responses[status];
  }

// An answer has all of its fields, with `null` for those without a value. A request may leave them out.
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
const given = below(operations.map(({ requestBody }) => requestBody ?? null));
const complete = (schema) => {
  if (schema?.type === "object" && schema.properties) schema.required = Object.keys(schema.properties);
  for (const part of [...(schema?.allOf ?? []), ...(schema?.oneOf ?? [])]) complete(part);
};
for (const [name, schema] of Object.entries(schemas)) if (!given.has(name)) complete(schema);

const nodes = await openapi(document, { emptyObjectsUnknown: true, alphabetize: true });
const text = HEAD + astToString(nodes);
if (process.argv.includes("--check")) {
  if (readFileSync(FILE, "utf8") !== text) {
    console.error(
      "web/src/api/schema.ts is not what the OpenAPI document says: wxcode openapi | npm run schema",
    );
    process.exit(1);
  }
} else writeFileSync(FILE, text);
