/** Where configuration files come from; injected, so checking them needs no disk. Paths are as the admin would type them. */
export interface ConfigFiles {
  /** The text of a file; undefined when it is not there. */
  read(path: string): string | undefined;
  /** Names of the files in a folder, sorted; empty when it is not there. */
  list(folder: string): string[];
}

export interface ConfigFolders {
  config: string;
  mappings: string;
}
