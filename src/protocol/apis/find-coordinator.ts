// Which broker coordinates a group (key type 0) or a transactional id (1). Version 4 asks for many keys at once, in
// fields of their own. Source: KIP-98, KIP-699, KIP-890.

import { api, array, int8, int16, int32, nullableString, since, string, struct, until } from '../schema.ts'

export const findCoordinator = api({
  name: 'FindCoordinator',
  key: 10,
  versions: [1, 6],
  flexible: 3,
  request: { key: until(3, string, ''), keyType: int8, coordinatorKeys: since(4, array(string), []) },
  response: {
    throttleTimeMs: int32,
    errorCode: until(3, int16, 0),
    errorMessage: until(3, nullableString, null),
    nodeId: until(3, int32, -1),
    host: until(3, string, ''),
    port: until(3, int32, -1),
    coordinators: since(
      4,
      array(
        struct({
          key: string,
          nodeId: int32,
          host: string,
          port: int32,
          errorCode: int16,
          errorMessage: nullableString,
        }),
      ),
      [],
    ),
  },
})
