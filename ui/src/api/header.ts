import { purpose } from "./transport";

/** Returns the header that says why somebody asks, for the types; the transport sets it for every request. */
export const purposeHeader = () => ({ "x-purpose": purpose.get() });
