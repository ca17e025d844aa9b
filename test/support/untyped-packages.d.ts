/** What tests use of packages that ship no types. */
declare module '@jambonz/verb-specifications' {
  const specifications: {
    /** Throws where a document is none of the platform's. */
    validate(logger: unknown, document: unknown): void;
  };
  export default specifications;
}
