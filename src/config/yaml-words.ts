/** What the YAML parser finds wrong with a file, in words for people who do not know its codes. */
import type { YAMLError } from 'yaml';

const words: Partial<Record<YAMLError['code'], string>> = {
  ALIAS_PROPS: 'an alias (*) can have no tag or anchor of its own',
  BAD_ALIAS: 'an alias (*) stands for nothing that was named with & before',
  BAD_COLLECTION_TYPE: 'a tag (!) does not fit what stands behind it',
  BAD_DIRECTIVE: 'a line that begins with % is not understood',
  BAD_DQ_ESCAPE: 'a backslash within double quotes is not understood; single quotes take it as it is',
  BAD_INDENT: 'the line is not indented as those around it, or a closing bracket is missing',
  BAD_PROP_ORDER: 'a tag (!) or anchor (&) stands in the wrong place',
  BAD_SCALAR_START: 'a value begins with a character that needs quotes around it',
  BLOCK_AS_IMPLICIT_KEY:
    'there is a second “name: value” on one line; quotes are needed around a text with a colon',
  BLOCK_IN_FLOW: 'a list or map with lines of its own stands within [ ] or { }',
  DUPLICATE_KEY: 'the same name stands there twice',
  KEY_OVER_1024_CHARS: 'a name is longer than 1024 characters; is a quote missing?',
  MISSING_CHAR:
    'something is missing: a closing quote or bracket, a comma, or the colon or space after a name',
  MULTILINE_IMPLICIT_KEY: 'a name goes over several lines; is a colon or a quote missing?',
  MULTIPLE_ANCHORS: 'there are two anchors (&) for one value',
  MULTIPLE_DOCS: 'a second document begins with ---; a configuration is one',
  MULTIPLE_TAGS: 'there are two tags (!) for one value',
  NON_STRING_KEY: 'a name is not a text',
  TAB_AS_INDENT: 'it is indented with a tab; YAML takes spaces alone',
  TAG_RESOLVE_FAILED: 'a tag (!) is not understood, or does not fit what stands behind it',
  UNEXPECTED_TOKEN: 'something stands where nothing can',
};

export function describeYamlFault({ code }: YAMLError): string {
  return words[code] ?? 'it cannot be understood';
}
