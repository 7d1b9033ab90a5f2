import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { isPrivateHost } from "../core/config/private-host.ts";

/** A connection that would lead into this machine or a private network. Thrown before anything is sent. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
  readonly code = "EPRIVATEADDRESS";

  constructor() {
    super("the host leads into this machine or a private network");
  }
}

/** Throws a PrivateAddressError for a host that is a private address as it is written; such a one is never looked up. */
export function refusePrivateHost(hostname: string): void {
  if (isPrivateHost(hostname)) throw new PrivateAddressError();
}

/** How names are looked up; node's own unless a test says otherwise. */
export type Resolve = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, found: string | LookupAddress[], family?: number) => void,
) => void;

/**
 * The `lookup` of a socket that fails with a PrivateAddressError when any address of a name is private. It stands in
 * the connect step, so that the addresses that were checked are those that are connected to.
 */
export function publicLookup(resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, found, family) => {
      const addresses = typeof found === "string" ? [found] : (found ?? []).map(({ address }) => address);
      // A zone (fe80::1%eth0) is no part of the address.
      const inside = addresses.some((address) => isPrivateHost(address.split("%")[0] ?? ""));
      if (error === null && inside) callback(new PrivateAddressError(), found, family);
      else callback(error, found, family);
    });
  };
}
