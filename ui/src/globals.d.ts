/** The file name of the text editor, which build.mjs fills in; empty in tests. */
declare const __EDITOR_FILE__: string;
