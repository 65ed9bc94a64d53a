// Whether this is Deno, whose own versions of node:tls and node:zlib do not do all that their names promise.

export const isDeno: boolean = 'deno' in process.versions
