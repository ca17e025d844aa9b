/**
 * Writes docs/reference/events.md out of `EventData` in src/domain/facts/event.ts: its types, its fields and the comments on
 * them, read with the TypeScript compiler. `scripts/generate-docs.mjs` keeps the page; a test compares.
 */
import { join } from 'node:path';
import ts from '@typescript/typescript6';

const source = 'src/domain/facts/event.ts';

/** `root`: the project's directory. Throws where a fact has no comment, or a type that cannot be shown. */
export function formatEventReference(root: string): string {
  return new EventReference(join(root, source)).format();
}

class EventReference {
  readonly #file: string;
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;
  /** Interfaces that facts refer to, in the order of their first mention. */
  readonly #shapes = new Map<string, ts.InterfaceDeclaration>();

  constructor(file: string) {
    this.#file = file;
    this.#program = ts.createProgram([file], {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      noEmit: true,
      types: [],
    });
    this.#checker = this.#program.getTypeChecker();
  }

  format(): string {
    const facts = this.#checker.getPropertiesOfType(this.#typeOf('EventData'));
    const envelope = this.#checker.getPropertiesOfType(this.#envelope());
    const families = [...new Set(facts.map(({ name }) => familyOf(name)))];
    const body = families.flatMap((family) => [
      `## ${family}`,
      '',
      ...facts.filter(({ name }) => familyOf(name) === family).flatMap((fact) => this.#formatFact(fact)),
    ]);
    return `${[...this.#intro(envelope), ...body, ...this.#formatShapes()].join('\n').trimEnd()}\n`;
  }

  #intro(envelope: readonly ts.Symbol[]): string[] {
    return [
      '# Events: types and fields',
      '',
      `<!-- Generated from ${source} by scripts/generate-docs.mjs. -->`,
      '',
      'Every type of fact and the fields of its `data`. How facts are delivered, and in which order, is in',
      '[events.md](../events.md). New types and new fields may come; those that are here keep their meaning.',
      '',
      'Around `data` each fact has',
      '',
      ...this.#table(
        envelope.filter(({ name }) => name !== 'data' && name !== 'time'),
        { type: 'text' },
      ),
      // The domain counts milliseconds; webhooks and event streams write text.
      '`time` says when it happened, as text (RFC 3339).',
      '',
    ];
  }

  #formatFact(fact: ts.Symbol): string[] {
    const meaning = this.#comment(fact);
    if (meaning === '') throw new Error(`${source}: ${fact.name} has no comment`);
    const fields = this.#checker.getPropertiesOfType(this.#checker.getTypeOfSymbol(fact));
    return [
      `### \`${fact.name}\``,
      '',
      meaning,
      '',
      ...(fields.length === 0 ? ['It has no fields.', ''] : this.#table(fields)),
    ];
  }

  /** Shapes may refer to further shapes, which join the end of the list while it is read. */
  #formatShapes(): string[] {
    const lines = ['## Shapes', ''];
    for (const [name, declaration] of this.#shapes) {
      const fields = this.#checker.getPropertiesOfType(this.#checker.getTypeAtLocation(declaration));
      lines.push(`### ${name}`, '', ...this.#table(fields));
    }
    return lines;
  }

  #table(fields: readonly ts.Symbol[], types: Readonly<Record<string, string>> = {}): string[] {
    const rows = fields.map((field) => {
      const type = Object.hasOwn(types, field.name) ? types[field.name] : this.#formatField(field);
      return `| \`${field.name}\` | ${type} | ${this.#comment(field)} |`;
    });
    return ['| field | type | |', '|---|---|---|', ...rows, ''];
  }

  #formatField(field: ts.Symbol): string {
    const { valueDeclaration } = field;
    if (valueDeclaration === undefined || !ts.isPropertySignature(valueDeclaration))
      throw new Error(`${source}: ${field.name} is no field`);
    const type = valueDeclaration.type === undefined ? '' : this.#formatType(valueDeclaration.type);
    return valueDeclaration.questionToken === undefined ? type : `${type}; may be missing`;
  }

  #formatType(node: ts.TypeNode): string {
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return 'text';
      case ts.SyntaxKind.NumberKeyword:
        return 'number';
      case ts.SyntaxKind.BooleanKeyword:
        return 'true or false';
    }
    if (ts.isUnionTypeNode(node)) return alternatives(this.#members(node));
    if (ts.isLiteralTypeNode(node)) return `\`${node.literal.getText().replaceAll("'", '"')}\``;
    if (ts.isArrayTypeNode(node)) return `list of ${this.#formatType(node.elementType)}`;
    if (ts.isTypeOperatorNode(node)) return this.#formatType(node.type);
    if (ts.isTypeReferenceNode(node)) return this.#formatReference(node);
    throw new Error(`${source}: cannot show the type ${node.getText()}`);
  }

  /** The alternatives of a union, of the unions inside it too. */
  #members(node: ts.TypeNode): string[] {
    if (ts.isUnionTypeNode(node)) return node.types.flatMap((member) => this.#members(member));
    const isOfLibrary =
      ts.isTypeReferenceNode(node) && ['Readonly', 'Record'].includes(node.typeName.getText());
    const declaration =
      ts.isTypeReferenceNode(node) && !isOfLibrary ? this.#declarationOf(node.typeName) : null;
    return declaration !== null && ts.isTypeAliasDeclaration(declaration)
      ? this.#members(declaration.type)
      : [this.#formatType(node)];
  }

  /** An interface by its name, which the page explains at its end; an alias by what it stands for. */
  #formatReference(node: ts.TypeReferenceNode): string {
    const [first, second] = node.typeArguments ?? [];
    const name = node.typeName.getText();
    if (name === 'Readonly' && first !== undefined) return this.#formatType(first);
    if (name === 'Record' && second !== undefined) return `object of ${this.#formatType(second)} by name`;
    const declaration = this.#declarationOf(node.typeName);
    if (ts.isTypeAliasDeclaration(declaration)) return this.#formatType(declaration.type);
    if (!ts.isInterfaceDeclaration(declaration)) throw new Error(`${source}: cannot show the type ${name}`);
    this.#shapes.set(name, declaration);
    return `[${name}](#${name.toLowerCase()})`;
  }

  #declarationOf(name: ts.EntityName): ts.Declaration {
    const symbol = this.#checker.getSymbolAtLocation(name);
    const isImported = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    const declaration = (isImported ? this.#checker.getAliasedSymbol(symbol) : symbol)?.declarations?.[0];
    if (declaration === undefined) throw new Error(`${source}: there is no type ${name.getText()}`);
    return declaration;
  }

  #typeOf(name: string): ts.Type {
    const file = this.#program.getSourceFile(this.#file);
    const exports = file === undefined ? undefined : this.#checker.getSymbolAtLocation(file)?.exports;
    const symbol = exports?.get(ts.escapeLeadingUnderscores(name));
    if (symbol === undefined) throw new Error(`${source} exports no ${name}`);
    return this.#checker.getDeclaredTypeOfSymbol(symbol);
  }

  /** `DomainEvent` is one type per fact, all with the same fields. */
  #envelope(): ts.Type {
    const event = this.#typeOf('DomainEvent');
    return event.isUnion() ? (event.types[0] ?? event) : event;
  }

  /** On one line, as it stands in a cell of a table; pages of docs/ become links. */
  #comment(symbol: ts.Symbol): string {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker));
    return text
      .replaceAll(/\s*\n\s*/g, ' ')
      .replaceAll('|', '\\|')
      .replaceAll(/docs\/([\w-]+\.md)(#[\w-]+)?/g, '[$1](../$1$2)');
  }
}

function alternatives(members: readonly string[]): string {
  const last = members.at(-1) ?? '';
  return members.length < 2 ? last : `${members.slice(0, -1).join(', ')} or ${last}`;
}

/** `call` of `call.ended`. */
function familyOf(type: string): string {
  return type.split('.', 1)[0] ?? type;
}
