/** The file name of the workbench, which build.mjs fills in; empty in tests. */
declare const __EDITOR_FILE__: string;

/** Offers the modules that the workbench takes from the app; build.mjs makes it. */
declare module "virtual:shared";
