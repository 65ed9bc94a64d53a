/* Where librdkafka puts keys. Each input line is `partitioner count key`, the key in hexadecimal, `-` for an empty one and
 * `null` for none; each output line is the partition. Only partitioners that look at nothing but the key can be asked. */

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

typedef int32_t (*partitioner_t)(const rd_kafka_topic_t *, const void *, size_t, int32_t, void *, void *);

static const struct {
  const char *name;
  partitioner_t place;
} partitioners[] = {
    {"consistent", rd_kafka_msg_partitioner_consistent},
    {"consistent_random", rd_kafka_msg_partitioner_consistent_random},
    {"murmur2", rd_kafka_msg_partitioner_murmur2},
    {"murmur2_random", rd_kafka_msg_partitioner_murmur2_random},
    {"fnv1a", rd_kafka_msg_partitioner_fnv1a},
    {"fnv1a_random", rd_kafka_msg_partitioner_fnv1a_random},
};

int main(void) {
  char name[32], hex[4096];
  int count;
  while (scanf("%31s %d %4095s", name, &count, hex) == 3) {
    unsigned char key[2048];
    size_t length = 0;
    for (const char *at = hex; sscanf(at, "%2hhx", &key[length]) == 1; at += 2) length++;
    const void *given = strcmp(hex, "null") == 0 ? NULL : key;
    int32_t partition = -1;
    for (size_t i = 0; i < sizeof partitioners / sizeof *partitioners; i++)
      if (strcmp(name, partitioners[i].name) == 0)
        partition = partitioners[i].place(NULL, given, length, count, NULL, NULL);
    printf("%d\n", partition);
  }
  return 0;
}
