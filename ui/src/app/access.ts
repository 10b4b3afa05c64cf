/** Who is signed in, and what that person may do. */
import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, body, type Schemas } from "../api/client";

export type Permission = Schemas["Me"]["permissions"][number]["permission"];

export interface Access {
  name: string;
  groups: readonly string[];
  purposes: readonly string[];
  /** Lines for which the person has a permission. */
  lines: readonly string[];
  can(permission: Permission, line?: string): boolean;
  /** Whether the person may do anything at all. */
  anything: boolean;
}

export function accessOf(me: Schemas["Me"]): Access {
  const held = new Map(me.permissions.map(({ permission, lines }) => [permission, lines]));
  return {
    name: me.actor,
    groups: me.groups,
    purposes: [...new Set([...me.lines.flatMap((line) => line.purposes), ...me.purposes])],
    lines: me.lines.map((line) => line.line),
    can(permission, line) {
      const lines = held.get(permission);
      if (!lines) return false;
      return line === undefined ? lines.length > 0 : lines.includes("*") || lines.includes(line);
    },
    anything: held.size > 0,
  };
}

/** Returns the purpose that people with these permissions mostly have. */
export function usualPurpose(access: Access): string {
  const usual = access.can("case.decide") || access.can("case.assign") ? "fraud_investigation" : "";
  const wanted = [
    usual,
    access.can("audit.read") ? "audit" : "",
    access.can("model.read") ? "model_monitoring" : "",
    "claim_handling",
  ];
  return wanted.find((one) => access.purposes.includes(one)) ?? access.purposes[0] ?? "";
}

export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: async ({ signal }) => accessOf(await body(api.GET("/app/me", { signal }))),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
}

const AccessContext = createContext<Access | null>(null);

export const AccessProvider = AccessContext.Provider;

/** Returns the access of the person who is signed in; for components inside the shell. */
export function useAccess(): Access {
  const access = useContext(AccessContext);
  if (!access) throw new Error("useAccess outside of the shell");
  return access;
}
