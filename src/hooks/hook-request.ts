/** What the dialects see of HTTP. */

/** A platform's HTTP request as the dialects read it: free of the web framework, and with the body as it came. */
export interface HookRequest {
  readonly method: string;
  /** As the platform called it: scheme, host, path and query. */
  readonly url: string;
  readonly contentType: string;
  readonly rawBody: Buffer;
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The name and the values of each field of the query, in order. */
  readonly query: readonly Field[];
  /** The fields of a form in the body; empty where there is none. */
  readonly form: readonly Field[];
  /** The JSON object in the body; null where there is none. */
  readonly json: Readonly<Record<string, unknown>> | null;
  /** False where the body is not what its type says. */
  readonly isReadable: boolean;
}

export type Field = readonly [name: string, value: string];

export type HookRequestParts = Pick<HookRequest, 'method' | 'url' | 'rawBody' | 'headers'>;

export function readHookRequest(parts: HookRequestParts): HookRequest {
  const contentType = (parts.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const queryText = parts.url.includes('?') ? parts.url.slice(parts.url.indexOf('?') + 1) : '';
  const isForm = contentType === 'application/x-www-form-urlencoded';
  const isJson = contentType === 'application/json' && parts.rawBody.length > 0;
  const json = isJson ? readJson(parts.rawBody.toString('utf8')) : null;
  return {
    ...parts,
    contentType,
    query: [...new URLSearchParams(queryText)],
    form: isForm ? [...new URLSearchParams(parts.rawBody.toString('utf8'))] : [],
    json,
    isReadable: !isJson || json !== null,
  };
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const maxField = 2048;

/** The text of a field in the form, else in the JSON object, else in the query; null where none has it, or it is no text. */
export function textField(request: HookRequest, name: string): string | null {
  const inForm = request.form.find(([key]) => key === name)?.[1];
  const inJson = request.json !== null && Object.hasOwn(request.json, name) ? request.json[name] : undefined;
  const value: unknown = inForm ?? inJson ?? request.query.find(([key]) => key === name)?.[1];
  return shortText(value);
}

/** The value where it is text of a usable length, else null. */
export function shortText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= maxField ? value : null;
}

/** The object of that name inside JSON; an empty one where there is none. */
export function objectIn(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return {};
  const inner = (value as Record<string, unknown>)[name];
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? (inner as Record<string, unknown>)
    : {};
}

const maxHeaders = 50;

/** Fields that stand for SIP headers, by their names without the prefix; few and short ones only. */
export function prefixedFields(fields: readonly Field[], prefix: string): Record<string, string> {
  const found = fields
    .filter(([name, value]) => name.startsWith(prefix) && value.length <= maxField)
    .slice(0, maxHeaders)
    .map(([name, value]) => [name.slice(prefix.length), value] as const);
  return Object.fromEntries(found);
}

/** Those values of an object that are text; few and short ones only. */
export function textsOf(value: Readonly<Record<string, unknown>>): Record<string, string> {
  return prefixedFields(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    '',
  );
}
