/** What the API says about cases, by the names that the desk uses. */
import type { Schemas } from "../api/client";

export type Case = Schemas["Case"];
export type Column = Schemas["CaseColumn"];
export type Decided = Schemas["Decided"];
export type Decision = Schemas["Decision"];
export type Held = Schemas["Held"];
export type Item = Schemas["Item"];
export type Links = Schemas["Links"];
export type Photo = Schemas["Photo"];
export type Reason = Schemas["ShownReason"];
export type State = Case["state"];
export type Verdict = Schemas["DecisionRequest"]["verdict"];

export const isOpen = (state: State) => state === "open" || state === "second_look" || state === "third_look";
