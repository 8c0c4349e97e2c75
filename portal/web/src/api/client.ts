// One way to call the API: JSON in and out, the session cookie, and every
// failure as an ApiError that knows what to tell a person.

import type { paths } from "./schema.gen";

export type FieldProblem = { field: string; detail: string };

/** A failed call. Status 0 means the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string,
    /** Milliseconds to wait before trying again, when the server said so. */
    readonly retryAfter?: number,
    readonly errors: FieldProblem[] = [],
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "ApiError";
  }

  /** Trying the same call again may succeed. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

let signedOut: () => void = () => {};

/** Says what happens when the session is no longer valid. */
export function onSignedOut(fn: () => void): void {
  signedOut = fn;
}

type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Ok<O> = O extends { responses: infer R } ? (R extends { 200: infer A } ? Json<A> : R extends { 201: infer B } ? Json<B> : R extends { 202: infer C } ? Json<C> : undefined) : never;
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : { body?: undefined };
type PathParams<P> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | PathParams<Rest> : never;
type Params<P> = [PathParams<P>] extends [never] ? { params?: undefined } : { params: Record<PathParams<P>, string | number> };
type Query<O> = O extends { parameters: { query?: infer Q } } ? { query?: Q } : { query?: undefined };
type Method = "get" | "post" | "put" | "patch" | "delete";
type Methods<P extends keyof paths> = { [M in Method]: paths[P][M] extends { responses: unknown } ? M : never }[Method];
type Options<P extends keyof paths, M extends Methods<P>> = Body<paths[P][M]> & Params<P> & Query<paths[P][M]> & { signal?: AbortSignal; headers?: Record<string, string> };

/** Calls an operation of the contract; the compiler checks path, body and answer. */
export async function call<P extends keyof paths, M extends Methods<P>>(method: M, path: P, options: Options<P, M>): Promise<Ok<paths[P][M]>> {
  const params = (options.params ?? {}) as Record<string, string | number>;
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? "")));
  const query = new URLSearchParams(Object.entries((options.query ?? {}) as Record<string, unknown>).flatMap(([k, v]) => (v === undefined || v === "" ? [] : [[k, String(v)]])));
  const body = options.body as unknown;
  let response: Response;
  try {
    response = await fetch(query.size > 0 ? `${address}?${query}` : address, {
      method: method.toUpperCase(),
      credentials: "same-origin",
      headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }), ...options.headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: options.signal,
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, "unreachable", "", "");
  }
  if (response.ok) {
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as Ok<paths[P][M]>;
  }
  throw await problem(response);
}

const problem = async (response: Response): Promise<ApiError> => problemOf(response.status, await response.json().catch(() => ({})), (name) => response.headers.get(name));

/** The error that an answer with problem+json, or with something else, stands for. */
export function problemOf(status: number, answer: unknown, header: (name: string) => string | null): ApiError {
  const body = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof body[name] === "string" ? body[name] : "");
  if (status === 401) signedOut();
  return new ApiError(
    status,
    text("code"),
    text("detail") || text("title"),
    text("request_id") || (header("x-request-id") ?? ""),
    retryAfter(header("retry-after")),
    Array.isArray(body.errors) ? (body.errors as FieldProblem[]) : [],
  );
}

/** Reads a Retry-After header: seconds or a date, into milliseconds. */
export function retryAfter(value: string | null, now = Date.now()): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** A key for one act of the user: sending it again is the same act. */
export const newKey = (): string => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
