import { defineConfig, type Options } from 'tsup'

// One entry point a row; shared chunks within each format, a declaration tree for each.
const entry = {
  index: 'src/index.ts',
  'mock/index': 'src/mock/index.ts',
}

const shared: Options = {
  target: 'node20',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  dts: true,
  treeshake: true,
}

export default defineConfig([
  { ...shared, entry: { ...entry, 'cli/main': 'src/cli/main.ts' }, format: 'esm', outDir: 'dist/esm', clean: true },
  { ...shared, entry, format: 'cjs', outDir: 'dist/cjs', clean: true, outExtension: () => ({ js: '.cjs', dts: '.d.cts' }) },
])
