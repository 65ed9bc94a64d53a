import { readFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import ts from 'typescript'

// One entry point a row; shared chunks within each format, a declaration tree for each.
const entry = {
  index: 'src/index.ts',
  'mock/index': 'src/mock/index.ts',
}

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

// What only docs/configuration.md says of properties and rules stands beside them in the source, and is a tenth of the bundle.
const manual = new Set(['doc', 'says', 'side', 'hidden', 'experimental', 'origin', 'differs'])

const withoutManual: Plugin = {
  name: 'without-manual',
  setup(build) {
    build.onLoad({ filter: /producer\/config\/(rows\/.*|.*rules|options)\.ts$/ }, async ({ path }) => {
      const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.Latest, true)
      let contents = ''
      let at = 0
      const visit = (node: ts.Node): void => {
        if (!ts.isPropertyAssignment(node) || !manual.has(node.name.getText())) return ts.forEachChild(node, visit)
        contents += source.text.slice(at, node.getStart())
        at = source.text[node.end] === ',' ? node.end + 1 : node.end
      }
      visit(source)
      return { contents: contents + source.text.slice(at), loader: 'ts' }
    })
  },
}

const shared: Options = {
  target: 'node20',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  treeshake: true,
  clean: true,
  removeNodeProtocol: false,
  minifyWhitespace: true,
  minifySyntax: true,
  esbuildOptions(options) {
    options.lineLimit = 120
  },
  esbuildPlugins: [withoutManual],
  // Declarations name what is public, and nothing that only the insides know.
  dts: { compilerOptions: { stripInternal: true } },
}

// The command line runs on the published entry points: it loads the same files as a user's program does.
const publishedEntryPoints: Plugin = {
  name: 'published-entry-points',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/(index|mock\/index)\.ts$/ }, ({ path }) => ({
      path: path.replace('../', '../esm/').replace('.ts', '.js'),
      external: true,
    }))
  },
}

export default defineConfig([
  { ...shared, entry, format: 'esm', outDir: 'dist/esm' },
  {
    ...shared,
    entry,
    format: 'cjs',
    outDir: 'dist/cjs',
    outExtension: () => ({ js: '.cjs', dts: '.d.cts' }),
  },
  {
    ...shared,
    entry: { main: 'src/cli/main.ts', run: 'src/cli/run.ts' },
    format: 'esm',
    outDir: 'dist/cli',
    dts: false,
    sourcemap: false,
    esbuildPlugins: [publishedEntryPoints],
    // The bundled progress bar is CommonJS and asks for Node's own modules with require().
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  },
])
