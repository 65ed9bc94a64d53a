// The headers around a message, and with them whole frames. Source: KIP-482, KIP-511, Apache Kafka
// `RequestHeader.json`, `ResponseHeader.json`.

import { ProtocolError } from '../errors.ts'
import { apiVersions } from './apis/api-versions.ts'
import { Reader } from './reader.ts'
import { type Api, nullableString, struct } from './schema.ts'
import { Writer } from './writer.ts'

const unsupportedVersion = 35

/** What ends a flexible header: tagged fields, of which none is known. */
const noFields = struct({})

/** A request's whole frame, size included, as chunks for one gathered write. */
export function encodeRequest<Request>(
  api: Api<Request>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: Request,
): Uint8Array[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  nullableString.write(writer, clientId, version, false) // not compact in either header, so that every broker can read that far
  if (version >= api.flexible) noFields.write(writer, {}, version, true)
  api.request.encode(writer, body, version)
  return frame(writer)
}

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Reads the header of a request; that of an API which `byKey` does not know is taken for one that is not flexible. */
export function decodeRequestHeader(reader: Reader, byKey: (key: number) => Api | undefined): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const clientId = nullableString.read(reader, apiVersion, false)
  if (apiVersion >= (byKey(apiKey)?.flexible ?? Infinity)) noFields.read(reader, apiVersion, true)
  return { apiKey, apiVersion, correlationId, clientId }
}

/** A response's whole frame, size included. */
export function encodeResponse<Response>(
  api: Api<never, unknown, unknown, Response>,
  version: number,
  correlationId: number,
  body: Response,
): Uint8Array[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasResponseTags(api, version)) noFields.write(writer, {}, version, true)
  api.response.encode(writer, body, version)
  return frame(writer)
}

/**
 * Reads the answer to a request of `version`. Throws ProtocolError, naming API and version, unless every byte fits.
 * A broker that does not know our version of ApiVersions says so in version 0, which is read as such.
 */
export function decodeResponse<Response>(
  api: Api<never, Response>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Response } {
  try {
    const reader = new Reader(frame)
    const correlationId = reader.int32()
    if (hasResponseTags(api, version)) noFields.read(reader, version, true)
    const refused = api.key === apiVersions.key && reader.peekInt16() === unsupportedVersion
    const body = api.response.decode(reader, refused ? 0 : version)
    reader.end()
    return { correlationId, body }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(`answer to ${api.name} v${version}: ${error.message}`, { cause: error })
  }
}

export function correlationIdOf(frame: Uint8Array): number {
  return new Reader(frame).int32()
}

function frame(writer: Writer): Uint8Array[] {
  writer.setInt32(0, writer.position - 4)
  return writer.chunks()
}

// ApiVersions is asked before anything is known of the broker, so its answer never has the flexible header.
function hasResponseTags(api: Api, version: number): boolean {
  return version >= api.flexible && api.key !== apiVersions.key
}
