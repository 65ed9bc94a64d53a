// The public surface as text, read from the built declarations: a change of it must be a visible diff of docs/api.txt.

import { join } from 'node:path'
import ts from 'typescript'
import { root } from './steps.mjs'

const entryPoints = { odradek: 'dist/esm/index.d.ts', 'odradek/mock': 'dist/esm/mock/index.d.ts' }

/** Every exported name in alphabetical order with its declaration, comments left out. */
export function apiReport() {
  const program = ts.createProgram(
    Object.values(entryPoints).map(file => join(root, file)),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
      skipLibCheck: true,
    },
  )
  const checker = program.getTypeChecker()
  const printer = ts.createPrinter({ removeComments: true })
  const sections = Object.entries(entryPoints).map(([name, file]) => {
    const source = program.getSourceFile(join(root, file))
    const module = source && checker.getSymbolAtLocation(source)
    if (!module) throw new Error(`${file} is missing or exports nothing`)
    const names = checker.getExportsOfModule(module).map(symbol => describe(symbol, checker, printer))
    return [`# ${name}`, ...names.sort((a, b) => (a < b ? -1 : 1))].join('\n\n')
  })
  return `${sections.join('\n\n')}\n`
}

function describe(symbol, checker, printer) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const texts = (target.declarations ?? []).map(declaration => {
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()).replace(/^export /, '')
  })
  return `${symbol.name}\n${texts.join('\n')}`.replace(/^/gm, '  ').trimStart()
}
