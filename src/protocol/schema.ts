// How a message is declared: its fields in wire order, each with the versions that have it. One declaration writes and
// reads every version, in both directions. Source: KIP-482, Apache Kafka `clients/src/main/resources/common/message`.

import { Buffer } from 'node:buffer'
import { ProtocolError } from '../errors.ts'
import type { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** What a type is made of, for whoever walks a schema. */
export type Shape =
  | { readonly kind: 'int8' | 'int16' | 'int32' | 'int64' | 'boolean' | 'uuid' }
  | { readonly kind: 'string' | 'bytes' | 'records'; readonly nullable: boolean }
  | { readonly kind: 'array'; readonly nullable: boolean; readonly element: Shape }
  | { readonly kind: 'struct'; readonly fields: readonly FieldShape[] }

export interface FieldShape {
  readonly name: string
  readonly since: number
  readonly until: number
  readonly tag: number | null
  readonly fallback: unknown
  readonly shape: Shape
}

/** A wire type. `In` is what it writes, `Out` what it reads. */
export interface Type<In, Out = In> {
  readonly shape: Shape
  write(writer: Writer, value: In, version: number, flexible: boolean): void
  read(reader: Reader, version: number, flexible: boolean): Out
}

/** A field that some versions lack, or that travels as a tag: left out, it takes `fallback`, both ways. */
export interface Optional<In, Out = In> {
  readonly type: Type<In, Out>
  readonly since: number
  readonly until: number
  readonly tag: number | null
  readonly fallback: Out
}

type Field = Type<never, unknown> | Optional<never, unknown>
export type Fields = Readonly<Record<string, Field>>
type InOf<F> = F extends Type<infer In, unknown> ? In : F extends Optional<infer In, unknown> ? In : never
type OutOf<F> = F extends Type<never, infer Out> ? Out : F extends Optional<never, infer Out> ? Out : never
type OptionalKey<F extends Fields> = { [K in keyof F]: F[K] extends Type<never, unknown> ? never : K }[keyof F]
type Flat<T> = { [K in keyof T]: T[K] }
type StructIn<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalKey<F>>]: InOf<F[K]> } & {
    readonly [K in OptionalKey<F>]?: InOf<F[K]> | undefined
  }
>
type StructOut<F extends Fields> = { readonly [K in keyof F]: OutOf<F[K]> }

/** The all-zero uuid, which stands for none. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

export const int8: Type<number> = {
  shape: { kind: 'int8' },
  write: (writer, value) => writer.int8(value),
  read: reader => reader.int8(),
}
export const int16: Type<number> = {
  shape: { kind: 'int16' },
  write: (writer, value) => writer.int16(value),
  read: reader => reader.int16(),
}
export const int32: Type<number> = {
  shape: { kind: 'int32' },
  write: (writer, value) => writer.int32(value),
  read: reader => reader.int32(),
}
export const int64: Type<bigint> = {
  shape: { kind: 'int64' },
  write: (writer, value) => writer.int64(value),
  read: reader => reader.int64(),
}
export const boolean: Type<boolean> = {
  shape: { kind: 'boolean' },
  write: (writer, value) => writer.boolean(value),
  read: reader => reader.boolean(),
}
export const uuid: Type<string> = {
  shape: { kind: 'uuid' },
  write: (writer, value) => writer.uuid(value),
  read: reader => reader.uuid(),
}

export const nullableString: Type<string | null> = {
  shape: { kind: 'string', nullable: true },
  write(writer, value, _version, flexible) {
    const byteLength = value === null ? -1 : Buffer.byteLength(value)
    if (flexible) writer.uvarint(byteLength + 1)
    else writer.int16(byteLength)
    if (value !== null) writer.utf8(value, byteLength)
  },
  read(reader, _version, flexible) {
    const byteLength = readLength(flexible ? reader.uvarint() - 1 : reader.int16())
    return byteLength === -1 ? null : reader.string(byteLength)
  },
}
export const string: Type<string> = notNull(nullableString, { kind: 'string', nullable: false })

export const nullableBytes: Type<Uint8Array | null> = {
  shape: { kind: 'bytes', nullable: true },
  write(writer, value, _version, flexible) {
    writeLength(writer, value?.length ?? -1, flexible)
    if (value !== null) writer.raw(value)
  },
  read(reader, _version, flexible) {
    const byteLength = readLength(flexible ? reader.uvarint() - 1 : reader.int32())
    return byteLength === -1 ? null : reader.bytes(byteLength)
  },
}
export const bytes: Type<Uint8Array> = notNull(nullableBytes, { kind: 'bytes', nullable: false })

// A chunk up to this size is cheaper copied than handed to the system as a piece of its own.
const smallChunkBytes = 2048

/** Record batches: chunks written in their order, the large ones by reference; read as one view. */
export const records: Type<readonly Uint8Array[] | null, Uint8Array | null> = {
  shape: { kind: 'records', nullable: true },
  write(writer, chunks, _version, flexible) {
    if (chunks === null) return writeLength(writer, -1, flexible)
    let byteLength = 0
    for (const chunk of chunks) byteLength += chunk.length
    writeLength(writer, byteLength, flexible)
    for (const chunk of chunks) chunk.length <= smallChunkBytes ? writer.raw(chunk) : writer.reference(chunk)
  },
  read: nullableBytes.read,
}

export function nullableArray<In, Out>(element: Type<In, Out>): Type<readonly In[] | null, readonly Out[] | null> {
  return {
    shape: { kind: 'array', nullable: true, element: element.shape },
    write(writer, values, version, flexible) {
      writeLength(writer, values?.length ?? -1, flexible)
      for (const value of values ?? []) element.write(writer, value, version, flexible)
    },
    read(reader, version, flexible) {
      const count = readLength(flexible ? reader.uvarint() - 1 : reader.int32())
      if (count === -1) return null
      reader.expect(count) // every element takes a byte at least
      const values: Out[] = [] // grows with what is really there, never to a size that was merely announced
      for (let i = 0; i < count; i++) values.push(element.read(reader, version, flexible))
      return values
    },
  }
}

export function array<In, Out>(element: Type<In, Out>): Type<readonly In[], readonly Out[]> {
  return notNull(nullableArray(element), { kind: 'array', nullable: false, element: element.shape })
}

/** A field from version `first` to version `last`, both included. */
export function between<In, Out>(first: number, last: number, type: Type<In, Out>, fallback: In & Out) {
  return optional(type, { since: first, until: last, tag: null, fallback })
}

/** A field from version `first` on. */
export function since<In, Out>(first: number, type: Type<In, Out>, fallback: In & Out) {
  return between(first, Infinity, type, fallback)
}

/** A field up to version `last`, that one included. */
export function until<In, Out>(last: number, type: Type<In, Out>, fallback: In & Out) {
  return between(0, last, type, fallback)
}

/** A tagged field from version `first` on, which travels only when it is not `fallback`. */
export function tagged<In, Out>(tag: number, first: number, type: Type<In, Out>, fallback: In & Out) {
  return optional(type, { since: first, until: Infinity, tag, fallback })
}

function optional<In, Out>(type: Type<In, Out>, row: Omit<Optional<In, Out>, 'type'>): Optional<In, Out> {
  return { type, ...row, fallback: Object.freeze(row.fallback) }
}

// From outside, StructIn and StructOut type the fields; in here they are rows of unknown type. The assertions of the
// engine are in this function and in the two for tags below.
export function struct<F extends Fields>(fields: F): Type<StructIn<F>, StructOut<F>> {
  const rows = Object.entries(fields).map(([name, field]): Row => {
    return 'type' in field ? { name, ...field } : { name, ...since<never, unknown>(0, field, undefined as never) }
  })
  const plain = rows.filter(row => row.tag === null)
  const tags = rows.filter(row => row.tag !== null).sort((a, b) => Number(a.tag) - Number(b.tag))
  // What is read begins as a copy of this, which has its shape at once: adding field by field costs more than reading.
  const absent = Object.fromEntries(rows.map(({ name, fallback }) => [name, fallback]))
  return {
    shape: {
      kind: 'struct',
      fields: rows.map(({ type, ...row }) => ({ ...row, shape: type.shape })),
    },
    write(writer, value, version, flexible) {
      const values: Readonly<Record<string, unknown>> = value
      for (const row of plain) {
        if (version < row.since || version > row.until) continue
        const given = values[row.name]
        row.type.write(writer, (given === undefined ? row.fallback : given) as never, version, flexible)
      }
      if (flexible) writeTags(writer, tags, values, version)
    },
    read(reader, version, flexible) {
      const values: Record<string, unknown> = { ...absent }
      for (const row of plain) {
        if (version >= row.since && version <= row.until) values[row.name] = row.type.read(reader, version, flexible)
      }
      if (flexible) readTags(reader, tags, values, version)
      return values as StructOut<F>
    },
  }
}

type Row = Optional<never, unknown> & { readonly name: string }

function writeTags(
  writer: Writer,
  tags: readonly Row[],
  values: Readonly<Record<string, unknown>>,
  version: number,
): void {
  if (tags.length === 0) return writer.uvarint(0)
  const given = tags.filter(row => version >= row.since && !isFallback(values[row.name], row.fallback))
  writer.uvarint(given.length)
  for (const { name, type, tag } of given) {
    const field = new Writer(64)
    type.write(field, values[name] as never, version, true)
    writer.uvarint(Number(tag))
    writer.uvarint(field.position)
    writer.raw(field.toBytes())
  }
}

function isFallback(value: unknown, fallback: unknown): boolean {
  if (value === undefined || value === fallback) return true
  return Array.isArray(value) && value.length === 0 && Array.isArray(fallback)
}

function readTags(reader: Reader, tags: readonly Row[], values: Record<string, unknown>, version: number): void {
  const count = reader.uvarint()
  reader.expect(count * 2) // a tag and a size take a byte each at least
  for (let i = 0; i < count; i++) {
    const tag = reader.uvarint()
    const byteLength = reader.uvarint()
    const row = tags.find(row => row.tag === tag && version >= row.since)
    if (row === undefined) {
      reader.skip(byteLength)
      continue
    }
    const end = reader.position + byteLength
    values[row.name] = row.type.read(reader, version, true)
    if (reader.position !== end)
      throw new ProtocolError(`tagged field ${tag} ends at byte ${reader.position}, not ${end}`)
  }
}

function notNull<In, Out>(type: Type<In | null, Out | null>, shape: Shape): Type<In, Out> {
  return {
    shape,
    write: (writer, value, version, flexible) => type.write(writer, value, version, flexible),
    read(reader, version, flexible) {
      const value = type.read(reader, version, flexible)
      if (value === null) throw new ProtocolError(`a null before byte ${reader.position} where there must be a value`)
      return value
    },
  }
}

function writeLength(writer: Writer, length: number, flexible: boolean): void {
  if (flexible) writer.uvarint(length + 1)
  else writer.int32(length)
}

function readLength(length: number): number {
  if (length < -1) throw new ProtocolError(`a negative length of ${length}`)
  return length
}

/** The body of a request or a response, in all versions of its API. */
export interface Message<In, Out = In> {
  readonly shape: Shape
  encode(writer: Writer, value: In, version: number): void
  decode(reader: Reader, version: number): Out
}

/**
 * One API, seen from the client by default: it writes `Request` and reads `Response`. A broker reads `ReceivedRequest` and
 * writes `GivenResponse`. What is read has every field, whatever the version; what is written may leave optional ones out.
 */
export interface Api<Request = never, Response = unknown, ReceivedRequest = unknown, GivenResponse = never> {
  readonly name: string
  readonly key: number
  /** Lowest and highest version that the declaration covers. */
  readonly versions: readonly [lowest: number, highest: number]
  /** The first flexible version, `Infinity` if there is none. */
  readonly flexible: number
  readonly request: Message<Request, ReceivedRequest>
  readonly response: Message<GivenResponse, Response>
}

/** A request as the broker decodes it: every field is there. */
export type RequestOf<A extends Api> = ReturnType<A['request']['decode']>
/** A response as the client decodes it: every field is there. */
export type ResponseOf<A extends Api> = ReturnType<A['response']['decode']>
/** What `encodeRequest` takes: optional fields may be left out. */
export type RequestBody<A extends Api> = Parameters<A['request']['encode']>[1]
/** What `encodeResponse` takes: optional fields may be left out. */
export type ResponseBody<A extends Api> = Parameters<A['response']['encode']>[1]

export function api<Request extends Fields, Response extends Fields>(declaration: {
  readonly name: string
  readonly key: number
  readonly versions: readonly [lowest: number, highest: number]
  readonly flexible: number
  readonly request: Request
  readonly response: Response
}): Api<StructIn<Request>, StructOut<Response>, StructOut<Request>, StructIn<Response>> {
  const { flexible } = declaration
  const message = <In, Out>(type: Type<In, Out>): Message<In, Out> => ({
    shape: type.shape,
    encode: (writer, value, version) => type.write(writer, value, version, version >= flexible),
    decode: (reader, version) => type.read(reader, version, version >= flexible),
  })
  return {
    ...declaration,
    request: message(struct(declaration.request)),
    response: message(struct(declaration.response)),
  }
}
