// Which APIs a broker speaks, and in which versions. Source: KIP-35, KIP-511, KIP-584, KIP-1242.

import { api, array, boolean, int16, int32, int64, nullableString, since, string, struct, tagged } from '../schema.ts'

export const apiVersions = api({
  name: 'ApiVersions',
  key: 18,
  versions: [0, 5],
  flexible: 3,
  request: {
    clientSoftwareName: since(3, string, ''),
    clientSoftwareVersion: since(3, string, ''),
    clusterId: since(5, nullableString, null),
    nodeId: since(5, int32, -1),
  },
  response: {
    errorCode: int16,
    apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
    throttleTimeMs: since(1, int32, 0),
    supportedFeatures: tagged(0, 3, array(struct({ name: string, minVersion: int16, maxVersion: int16 })), []),
    finalizedFeaturesEpoch: tagged(1, 3, int64, -1n),
    finalizedFeatures: tagged(
      2,
      3,
      array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 })),
      [],
    ),
    zkMigrationReady: tagged(3, 3, boolean, false),
  },
})
