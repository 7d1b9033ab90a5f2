import { storeContract } from "./store.contract.ts";
import { openThreadedRig } from "./threaded-rig.ts";

storeContract("SQLite in its thread", () => openThreadedRig());
