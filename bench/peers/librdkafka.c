// librdkafka, by its C interface, on one thread of ours beside its own. README.md says what the arguments mean.

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define VALUES 1024
#define MOST_LATENCIES 20000000

static int arg_count;
static char **arg_list;
static rd_kafka_t *rk;
static rd_kafka_topic_t *topic;
static char *values[VALUES];
static size_t size;
static int partitions;
static long failed, unanswered;

/* A group is what is produced together and waited for together; `ready` are those that may go again. */
static long *waiting, *ready, ready_count;
static double *latencies, paced_from, per_second;
static long latency_count;
static enum { COUNT, GROUPS, PACED } answers;

static const char *text(const char *name) {
  size_t length = strlen(name);
  for (int i = 1; i < arg_count; i++)
    if (!strncmp(arg_list[i], name, length) && arg_list[i][length] == '=') return arg_list[i] + length + 1;
  fprintf(stderr, "no %s=\n", name);
  exit(2);
}

static double number(const char *name) { return atof(text(name)); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void on_answer(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  (void)handle, (void)opaque;
  unanswered--;
  if (message->err) failed++;
  long which = (long)message->_private;
  if (answers == GROUPS && --waiting[which] == 0) ready[ready_count++] = which;
  if (answers == PACED && latency_count < MOST_LATENCIES)
    latencies[latency_count++] = now() - (paced_from + which / per_second);
}

static void produce_one(long i, long opaque) {
  for (;;) {
    if (rd_kafka_produce(topic, i % partitions, RD_KAFKA_MSG_F_COPY, values[i % VALUES], size, NULL, 0,
                         (void *)opaque) == 0)
      break;
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      fprintf(stderr, "%s\n", rd_kafka_err2str(rd_kafka_last_error()));
      exit(1);
    }
    rd_kafka_poll(rk, 100);
  }
  unanswered++;
}

static long dispatch(double until) {
  long i = 0;
  answers = COUNT;
  while (now() < until) {
    for (int n = 0; n < 1000; n++) produce_one(i++, 0);
    rd_kafka_poll(rk, 0);
  }
  return i;
}

static long in_groups(double until, long concurrency, long group) {
  long i = 0;
  answers = GROUPS;
  ready_count = 0;
  for (long which = 0; which < concurrency; which++) ready[ready_count++] = which;
  while (now() < until) {
    while (ready_count > 0) {
      long which = ready[--ready_count];
      waiting[which] = group;
      for (long n = 0; n < group; n++) produce_one(i++, which);
    }
    rd_kafka_poll(rk, 100);
  }
  return i;
}

static long one_by_one(double until) {
  long i = 0;
  answers = COUNT;
  while (now() < until) {
    double start = now();
    produce_one(i++, 0);
    while (unanswered > 0) rd_kafka_poll(rk, 100);
    if (latency_count < MOST_LATENCIES) latencies[latency_count++] = now() - start;
  }
  return i;
}

static long paced(double until) {
  long i = 0;
  answers = PACED;
  paced_from = now();
  while (now() < until) {
    double due = (now() - paced_from) * per_second;
    for (; i < due; i++) produce_one(i, i);
    rd_kafka_poll(rk, 1);
  }
  return i;
}

static long produce(double seconds) {
  const char *mode = text("mode");
  double until = now() + seconds;
  long count = !strcmp(mode, "dispatch")     ? dispatch(until)
               : !strcmp(mode, "one-by-one") ? one_by_one(until)
               : !strcmp(mode, "paced")      ? paced(until)
                                             : in_groups(until, number("concurrency"), number("group"));
  while (unanswered > 0) rd_kafka_poll(rk, 10);
  return count;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
    fprintf(stderr, "%s\n", why);
    exit(2);
  }
}

static void read_values(void) {
  FILE *file = fopen(text("corpus"), "rb");
  if (file == NULL) exit(2);
  fseek(file, 0, SEEK_END);
  long length = ftell(file);
  char *corpus = malloc(length);
  rewind(file);
  if (fread(corpus, 1, length, file) != (size_t)length) exit(2);
  fclose(file);
  for (long i = 0; i < VALUES; i++) {
    values[i] = malloc(size);
    memcpy(values[i], corpus + (i * size) % (length - size), size);
  }
  free(corpus);
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

static double at(double share) {
  long index = latency_count * share;
  return 1000 * latencies[index < latency_count ? index : latency_count - 1];
}

int main(int argc, char **argv) {
  arg_count = argc;
  arg_list = argv;
  size = number("size");
  partitions = number("partitions");
  per_second = number("rate");
  read_values();
  waiting = calloc(number("concurrency") + 1, sizeof *waiting);
  ready = calloc(number("concurrency") + 1, sizeof *ready);
  latencies = malloc(MOST_LATENCIES * sizeof *latencies);

  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", text("servers"));
  set(conf, "enable.idempotence", text("idempotent"));
  set(conf, "acks", "all");
  set(conf, "linger.ms", text("lingerMs"));
  set(conf, "compression.codec", text("codec"));
  set(conf, "queue.buffering.max.messages", text("queueMessages"));
  set(conf, "queue.buffering.max.kbytes", text("queueKbytes"));
  rd_kafka_conf_set_dr_msg_cb(conf, on_answer);
  char why[512];
  rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  if (rk == NULL) {
    fprintf(stderr, "%s\n", why);
    return 2;
  }
  topic = rd_kafka_topic_new(rk, text("topic"), NULL);

  long warm_up = produce(number("warmUp"));
  latency_count = 0;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  double start = now();
  long count = produce(number("seconds"));
  double seconds = now() - start;
  getrusage(RUSAGE_SELF, &after);

#define SPENT(field) (after.field.tv_sec - before.field.tv_sec + (after.field.tv_usec - before.field.tv_usec) / 1e6)
  printf("{\"version\":\"%s\",\"warmUp\":%ld,\"acknowledged\":%ld,\"failed\":%ld,\"seconds\":%f,"
         "\"cpuUserSeconds\":%f,\"cpuSystemSeconds\":%f,\"peakRssBytes\":%ld,\"gc\":null,\"latencyMs\":",
         rd_kafka_version_str(), warm_up, count - failed, failed, seconds, SPENT(ru_utime), SPENT(ru_stime),
         after.ru_maxrss * 1024);
  if (latency_count == 0) {
    printf("null}\n");
  } else {
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    printf("{\"p50\":%f,\"p99\":%f,\"p999\":%f,\"max\":%f}}\n", at(0.5), at(0.99), at(0.999), at(1));
  }
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(rk);
  return 0;
}
