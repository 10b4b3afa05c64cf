/** Errors of the API as values: problem documents (RFC 9457) and lost connections. */

/** The API refused a request. `detail` is a sentence for a person and quotes no value. */
export class Problem extends Error {
  override name = "Problem";
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    /** Seconds after which a repetition may succeed. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || `HTTP ${status}`);
  }
}

/** No answer arrived: the request may have had its effect or not. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";
}

/** The session has ended and could not be renewed. */
export class SignedOut extends Error {
  override name = "SignedOut";
}

export function isProblem(error: unknown, ...codes: string[]): error is Problem {
  return error instanceof Problem && (codes.length === 0 || codes.includes(error.code));
}

/** Whether the same request may succeed a moment later. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ConnectionLost ||
    (error instanceof Problem && [429, 502, 503, 504].includes(error.status))
  );
}

function seconds(header: string | null): number | null {
  const value = Number(header);
  return header !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Returns the problem that an answer reports. The gateway's own answers have a `message` and no code. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => null);
  const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown };
  return new Problem(
    answer.status,
    typeof code === "string" ? code : "",
    typeof detail === "string" ? detail : "",
    seconds(answer.headers.get("retry-after")),
  );
}
