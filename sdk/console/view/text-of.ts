/** What a form's field holds, as text: nothing where it is a file or is not there. */
export function textOf(value: FormDataEntryValue | null): string {
  return typeof value === 'string' ? value : '';
}
