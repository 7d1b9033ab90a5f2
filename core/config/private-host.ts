import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Blocks that no public instance has: this machine, private and shared networks, link-local (cloud metadata), multicast. */
const PRIVATE: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 9],
  ["ff00::", 8],
];

const blocked = new BlockList();
for (const [network, bits] of PRIVATE) blocked.addSubnet(network, bits, isIPv4(network) ? "ipv4" : "ipv6");

/**
 * Whether the host of a parsed URL, as it is written, lies in this machine or a private network. The URL has brought
 * the many spellings of an address (127.1, 0x7f000001, [::ffff:127.0.0.1]) into one. Other names are not looked up: what
 * they mean may change after any check, and the admin has written them.
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (isIPv4(host)) return blocked.check(host, "ipv4");
  if (isIPv6(host)) return blocked.check(host, "ipv6");
  return host === "localhost" || host.endsWith(".localhost");
}
