/** What a stage of the application is: read from /config.json, so that one build serves every stage. */

export interface Config {
  /** The address of the OpenID Connect issuer. */
  issuer: string;
  client_id: string;
  /** The metadata of the issuer, for one that answers no request from another origin. */
  authority_metadata?: Record<string, unknown>;
  /** The address of Cognito's sign-in pages; absent for an issuer of the insurer. */
  sign_in_url?: string;
  /** The scopes to ask for, separated by blanks. */
  scope?: string;
}

export class ConfigMissing extends Error {
  override name = "ConfigMissing";
}

function isConfig(value: unknown): value is Config {
  const config = value as Partial<Config> | null;
  return typeof config?.issuer === "string" && typeof config.client_id === "string";
}

export async function readConfig(): Promise<Config> {
  const answer = await fetch("/config.json", { cache: "no-store", credentials: "omit" });
  const config: unknown = answer.ok ? await answer.json().catch(() => null) : null;
  if (!isConfig(config)) throw new ConfigMissing("/config.json");
  return config;
}
