// The part of the cli-progress package that is used here; it brings no types of its own.

declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: {
      stream: NodeJS.WritableStream
      format: string
      fps?: number
      barsize?: number
      hideCursor?: boolean
    })
    start(total: number, startValue: number, payload?: object): void
    update(value: number, payload?: object): void
    stop(): void
  }
}
