/** The OpenAPI document as one page of HTML: no script, nothing loaded from elsewhere. */

export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Responses;
  };
}

interface Components {
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly responses: Responses;
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Responses;
}

type Responses = Readonly<Record<string, { $ref?: string; description?: string; content?: Content }>>;
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly description?: string;
  readonly maxLength?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
}

export function formatDocsPage(document: OpenApiDocument): string {
  const { info, tags, components } = document;
  const base = document.servers[0]?.url ?? '';
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path: `${base}${path}`, method, operation })),
  );
  const sections = tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return {
      link: `<li><a href="#${slug(name)}">${escape(name)}</a></li>`,
      html:
        `<section><h2 id="${slug(name)}">${escape(name)}</h2>` +
        `${own.map((each) => formatOperation(each.path, each.method, each.operation, components)).join('')}</section>`,
    };
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="schema-${slug(name)}">${escape(name)}</h3>${paragraph(schema.description)}${formatSchema(schema)}`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(info.title)} API</title>
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<header><h1>${escape(info.title)} API <small>${escape(info.version)}</small></h1>
<p>${escape(info.description)}</p>
<p>Every request carries HTTP Basic credentials. Bodies are JSON. <a href="/docs/openapi.json">OpenAPI document</a></p>
</header>
<nav aria-label="Contents"><ul>${sections.map(({ link }) => link).join('')}<li><a href="#schemas">Schemas</a></li></ul></nav>
<main>${sections.map(({ html }) => html).join('')}
<section><h2 id="schemas">Schemas</h2>${schemas.join('')}</section></main>
</body>
</html>
`;
}

function formatOperation(
  path: string,
  method: string,
  operation: OpenApiOperation,
  components: Components,
): string {
  const parameters = operation.parameters.filter(({ name }) => name !== 'accountId');
  const body = operation.requestBody?.content['application/json']?.schema;
  return (
    `<details id="${escape(operation.operationId)}"><summary><b class="${escape(method)}">${escape(method.toUpperCase())}</b> ` +
    `<code>${escape(path).replaceAll('/', '/<wbr>')}</code> <span>${escape(operation.summary)}</span></summary>` +
    paragraph(operation.description) +
    (parameters.length === 0
      ? ''
      : `<h4>Parameters</h4>${table(parameters.map((each) => [each.name, `${each.in}, ${formatType(each.schema)}`, each.description ?? each.schema.description ?? '']))}`) +
    (body === undefined
      ? ''
      : `<h4>Body${operation.requestBody?.required === true ? '' : ', optional'}</h4>${formatSchema(resolve(body, components))}`) +
    `<h4>Answers</h4>${formatResponses(operation.responses, components.responses)}</details>`
  );
}

function formatResponses(responses: Responses, shared: Responses): string {
  const rows = Object.entries(responses).map(([status, response]): Row => {
    const target =
      response.$ref === undefined ? response : (shared[response.$ref.split('/').at(-1) ?? ''] ?? {});
    const [content] = Object.entries(target.content ?? {});
    const type = content === undefined ? 'no body' : formatType(content[1].schema);
    return [status, type, target.description ?? ''];
  });
  return table(rows);
}

function formatSchema(schema: JsonSchema): string {
  const fields = listFields(schema, '');
  return fields.length === 0 ? `<p>${formatType(schema)}</p>` : table(fields);
}

/** Name, type (HTML), description. */
type Row = readonly [string, string, string];

/** Every field of the schema and of what is nested in it, one row each. */
function listFields(schema: JsonSchema, prefix: string): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, written]): Row[] => {
    const field = withoutNull(written);
    const isOptional = schema.required?.includes(name) !== true;
    const path = `${prefix}${name}`;
    const row: Row = [
      path,
      `${formatType(written)}${isOptional ? ', optional' : ''}`,
      written.description ?? field.description ?? '',
    ];
    const inner = field.items === undefined ? field : withoutNull(field.items);
    return [row, ...listFields(inner, `${path}${field.items === undefined ? '' : '[]'}.`)];
  });
}

/** The type as HTML; references are links. */
function formatType(schema: JsonSchema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return `<a href="#schema-${slug(name)}">${escape(name)}</a>`;
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(formatType).join(' or ');
  if (schema.const !== undefined) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `<code>${escape(JSON.stringify(value))}</code>`).join(' or ');
  }
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : formatType(schema.items)}`;
  const limit = schema.maxLength === undefined ? '' : `, at most ${schema.maxLength} characters`;
  const types = typeof schema.type === 'object' ? schema.type.join(' or ') : (schema.type ?? 'anything');
  return escape(`${schema.format ?? types}${limit}`);
}

function resolve(schema: JsonSchema, { schemas }: Components): JsonSchema {
  return schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema;
}

function withoutNull(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(
    ([name, type, text]) =>
      `<tr><th scope="row"><code>${escape(name)}</code></th><td>${type}</td><td>${formatText(text)}</td></tr>`,
  );
  return `<div class="wide"><table>${cells.join('')}</table></div>`;
}

function paragraph(text: string | undefined): string {
  return text === undefined ? '' : `<p>${formatText(text)}</p>`;
}

/** Escapes the text, and sets what stands in backticks as code. */
function formatText(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
