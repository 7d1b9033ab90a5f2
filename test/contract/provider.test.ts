import { providerContract } from "./provider.contract.ts";
import { PROVIDERS } from "./provider-rig.ts";

for (const provider of PROVIDERS) providerContract(provider);
