/** Types for drachtio-fsmrf. It ships none; freeswitch.ts says what is used of it. */
declare module 'drachtio-fsmrf' {
  const Mrf: unknown;
  export default Mrf;
}
