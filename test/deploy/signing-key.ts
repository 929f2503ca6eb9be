// The files of deploy/ have the lines of a signing key as comments.

/** Without the lines that are comments. */
export const withoutComments = (text: string) => text.replaceAll(/^ *#.*\n/gm, "");

/** With the lines of the signing key: "# signing:", and those that are indented below it. */
export const withSigningKey = (text: string) =>
  withoutComments(text.replaceAll(/^( *)# (signing:| {2,}\S.*)$/gm, "$1$2"));
