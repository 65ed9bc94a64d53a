/* Where librdkafka's producer really puts keys: `placing BROKERS PARTITIONER TOPIC...` reads one key a line, in hexadecimal,
 * `-` for an empty one and `null` for none, sends each to every topic, and prints the partition of each delivery report:
 * a line for each topic, in the order of the keys. */

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_KEYS 10000

static int32_t placed[MOST_KEYS];
static int failures;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  (void)opaque;
  if (message->err) failures++;
  else *(int32_t *)message->_private = message->partition;
}

int main(int argc, char **argv) {
  static struct {
    unsigned char bytes[1024];
    size_t length;
    int is_null;
  } keys[MOST_KEYS];
  static char hex[4096];
  int count = 0;
  for (; count < MOST_KEYS && scanf("%4095s", hex) == 1; count++) {
    keys[count].is_null = strcmp(hex, "null") == 0;
    for (const char *at = hex; sscanf(at, "%2hhx", &keys[count].bytes[keys[count].length]) == 1; at += 2)
      keys[count].length++;
  }

  char why[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why) ||
      rd_kafka_conf_set(conf, "partitioner", argv[2], why, sizeof why) ||
      rd_kafka_conf_set(conf, "sticky.partitioning.linger.ms", "0", why, sizeof why)) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  if (rk == NULL) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  for (int topic = 3; topic < argc; topic++) {
    for (int i = 0; i < count; i++) {
      rd_kafka_resp_err_t error = rd_kafka_producev(
          rk, RD_KAFKA_V_TOPIC(argv[topic]), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_KEY(keys[i].is_null ? NULL : keys[i].bytes, keys[i].length), RD_KAFKA_V_OPAQUE(&placed[i]),
          RD_KAFKA_V_END);
      if (error) failures++;
    }
    if (rd_kafka_flush(rk, 60000) || failures) {
      fprintf(stderr, "%d of %d messages to %s failed\n", failures, count, argv[topic]);
      return 1;
    }
    for (int i = 0; i < count; i++) printf("%d ", placed[i]);
    printf("\n");
  }
  rd_kafka_destroy(rk);
  return 0;
}
