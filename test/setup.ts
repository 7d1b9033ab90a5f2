// Every test runs in UTC and under no configuration of the machine; a test that wants another zone sets it itself.
process.env["TZ"] = "UTC";
for (const name of Object.keys(process.env)) if (name.startsWith("INTERLOCK_")) delete process.env[name];
