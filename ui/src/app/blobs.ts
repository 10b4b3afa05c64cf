/** Addresses of pictures in memory, all of which a sign-out takes back. */
import { forgetOnSignOut } from "./forget";

const addresses = new Set<string>();

export function openBlob(blob: Blob): string {
  const address = URL.createObjectURL(blob);
  addresses.add(address);
  return address;
}

export function closeBlob(address: string): void {
  if (addresses.delete(address)) URL.revokeObjectURL(address);
}

forgetOnSignOut(() => {
  for (const address of [...addresses]) closeBlob(address);
});
