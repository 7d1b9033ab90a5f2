import { z } from "zod";
import { isPrivateHost } from "./private-host.ts";

/** A text that passes a check; otherwise says what it is not, and what to write instead. */
export function rule(check: (value: string) => boolean, what: string, fix: string) {
  return z.string().superRefine((value, context) => {
    if (!check(value)) context.addIssue({ code: "custom", message: what, params: { fix } });
  });
}

export const Secret = z.string().min(1);

export type Complain = (path: string[], message: string, fix: string) => void;

/** Complains about a mapping of settings; the path is below that mapping. */
export function complainTo<T>(context: z.core.$RefinementCtx<T>): Complain {
  return (path, message, fix) => context.addIssue({ code: "custom", path, message, params: { fix } });
}

/** Complains where an address is not https or points inside, unless that is allowed. An unreadable one is another's complaint. */
export function checkOutside(
  { baseUrl, allowPrivateAddress }: { baseUrl: string; allowPrivateAddress: boolean },
  problem: Complain,
): void {
  if (allowPrivateAddress || !URL.canParse(baseUrl)) return;
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol !== "https:") {
    problem(
      ["baseUrl"],
      "is not https",
      "https://..., or set allowPrivateAddress: true for a simulator on this machine",
    );
  } else if (isPrivateHost(hostname)) {
    problem(
      ["baseUrl"],
      "points into this machine or a private network",
      "the public address of the instance, or set allowPrivateAddress: true for a system in the same network",
    );
  }
}
