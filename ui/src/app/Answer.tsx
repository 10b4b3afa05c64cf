/** The states of a question to the API: under way, refused, answered. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ConnectionLost, isProblem, Problem } from "../api/problems";
import { texts } from "../texts";

/** Returns what an error means, as a sentence for a person. */
export function explain(error: unknown): string {
  if (error instanceof ConnectionLost) return texts.errors.connection;
  if (isProblem(error)) {
    const known: Partial<Record<string, string>> = texts.errors.codes;
    return known[error.code] || error.detail || texts.errors.status(error.status);
  }
  return texts.errors.unexpected;
}

export function Failure({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const hopeless = error instanceof Problem && [403, 404].includes(error.status);
  return (
    <div className="notice bad" role="alert">
      <p>{explain(error)}</p>
      {again && !hopeless && (
        <button type="button" onClick={again}>
          {texts.errors.again}
        </button>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <p className="loading" role="status">
      {texts.app.loading}
    </p>
  );
}

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

/** Shows the answer of a query, or what keeps it. */
export function Answer<T>({ query, children }: Props<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure error={query.error} again={() => void query.refetch()} />;
  return <Loading />;
}
