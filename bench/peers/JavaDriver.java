// Apache's own producer. README.md says what the arguments mean.

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class JavaDriver {
  static final int VALUES = 1024;
  static final Map<String, String> words = new HashMap<>();
  static final byte[][] values = new byte[VALUES][];
  static final AtomicLong failed = new AtomicLong();
  static final AtomicLong gcNanos = new AtomicLong();
  static final AtomicLong longestGcMs = new AtomicLong();
  static KafkaProducer<byte[], byte[]> producer;
  static String topic;
  static int partitions;
  static double[] latencies = new double[1 << 20];
  static int latencyCount;

  static double number(String name) {
    return Double.parseDouble(words.get(name));
  }

  static ProducerRecord<byte[], byte[]> record(long i) {
    return new ProducerRecord<>(topic, (int) (i % partitions), null, values[(int) (i % VALUES)]);
  }

  /** Called on the producer's own thread, or where that one waits. */
  static synchronized void latency(long nanos) {
    if (latencyCount == latencies.length) latencies = Arrays.copyOf(latencies, 2 * latencyCount);
    latencies[latencyCount++] = nanos / 1e6;
  }

  static void count(Exception error) {
    if (error != null) failed.incrementAndGet();
  }

  static long dispatch(long until) {
    long i = 0;
    while (System.nanoTime() < until)
      for (int n = 0; n < 1000; n++) producer.send(record(i++), (metadata, error) -> count(error));
    return i;
  }

  /** As many groups as `concurrency` says are on their way; one that is answered goes again. */
  static long inGroups(long until, int concurrency, int group) throws Exception {
    LinkedBlockingQueue<AtomicInteger> ready = new LinkedBlockingQueue<>();
    for (int n = 0; n < concurrency; n++) ready.add(new AtomicInteger());
    long i = 0;
    while (System.nanoTime() < until) {
      AtomicInteger waiting = ready.poll(100, TimeUnit.MILLISECONDS);
      if (waiting == null) continue;
      waiting.set(group);
      for (int n = 0; n < group; n++)
        producer.send(record(i++), (metadata, error) -> {
          count(error);
          if (waiting.decrementAndGet() == 0) ready.add(waiting);
        });
    }
    return i;
  }

  static long oneByOne(long until) throws Exception {
    long i = 0;
    for (; System.nanoTime() < until; i++) {
      long start = System.nanoTime();
      producer.send(record(i)).get();
      latency(System.nanoTime() - start);
    }
    return i;
  }

  static long paced(long until) throws Exception {
    double perNano = number("rate") / 1e9;
    long start = System.nanoTime();
    long i = 0;
    while (System.nanoTime() < until) {
      for (double due = (System.nanoTime() - start) * perNano; i < due; i++) {
        long dueAt = start + (long) (i / perNano);
        producer.send(record(i), (metadata, error) -> {
          count(error);
          latency(System.nanoTime() - dueAt);
        });
      }
      Thread.sleep(1);
    }
    return i;
  }

  static long produce(double seconds) throws Exception {
    long until = System.nanoTime() + (long) (seconds * 1e9);
    long count = switch (words.get("mode")) {
      case "dispatch" -> dispatch(until);
      case "one-by-one" -> oneByOne(until);
      case "paced" -> paced(until);
      default -> inGroups(until, (int) number("concurrency"), (int) number("group"));
    };
    producer.flush();
    return count;
  }

  static void watchCollections() {
    for (var collector : ManagementFactory.getGarbageCollectorMXBeans())
      ((NotificationEmitter) collector).addNotificationListener((notification, handback) -> {
        CompositeData facts = (CompositeData) ((CompositeData) notification.getUserData()).get("gcInfo");
        long ms = (Long) facts.get("duration");
        gcNanos.addAndGet(ms * 1_000_000);
        longestGcMs.accumulateAndGet(ms, Math::max);
      }, null, null);
  }

  static long peakRssBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    return 0;
  }

  static String percentiles() {
    if (latencyCount == 0) return "null";
    double[] sorted = Arrays.copyOf(latencies, latencyCount);
    Arrays.sort(sorted);
    double[] shares = {0.5, 0.99, 0.999, 1};
    Object[] found = Arrays.stream(shares)
        .mapToObj(share -> sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))])
        .toArray();
    return String.format("{\"p50\":%f,\"p99\":%f,\"p999\":%f,\"max\":%f}", found);
  }

  /** User and system time of this process, in seconds. */
  static double[] cpu() throws Exception {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return new double[] {Double.parseDouble(fields[11]) / 100, Double.parseDouble(fields[12]) / 100};
  }

  public static void main(String[] args) throws Exception {
    for (String pair : args) words.put(pair.split("=", 2)[0], pair.split("=", 2)[1]);
    topic = words.get("topic");
    partitions = (int) number("partitions");
    int size = (int) number("size");
    byte[] corpus = Files.readAllBytes(Path.of(words.get("corpus")));
    for (int i = 0; i < VALUES; i++) {
      int at = (int) ((long) i * size % (corpus.length - size));
      values[i] = Arrays.copyOfRange(corpus, at, at + size);
    }
    Properties properties = new Properties();
    properties.put("bootstrap.servers", words.get("servers"));
    properties.put("key.serializer", ByteArraySerializer.class);
    properties.put("value.serializer", ByteArraySerializer.class);
    properties.put("enable.idempotence", words.get("idempotent"));
    properties.put("acks", "all");
    properties.put("linger.ms", words.get("lingerMs"));
    properties.put("compression.type", words.get("codec"));
    if (words.containsKey("batchBytes")) {
      properties.put("batch.size", words.get("batchBytes"));
      properties.put("buffer.memory", (long) number("queueKbytes") * 1024);
    }
    producer = new KafkaProducer<>(properties);
    watchCollections();

    long warmUp = produce(number("warmUp"));
    latencyCount = 0;
    gcNanos.set(0);
    longestGcMs.set(0);
    double[] before = cpu();
    long start = System.nanoTime();
    long count = produce(number("seconds"));
    double seconds = (System.nanoTime() - start) / 1e9;
    double[] after = cpu();
    producer.close();
    System.out.printf(
        "{\"version\":\"%s\",\"warmUp\":%d,\"acknowledged\":%d,\"failed\":%d,\"seconds\":%f,\"cpuUserSeconds\":%f,"
            + "\"cpuSystemSeconds\":%f,\"peakRssBytes\":%d,\"gc\":{\"seconds\":%f,\"longestMs\":%d},\"latencyMs\":%s}%n",
        AppInfoParser.getVersion(), warmUp, count - failed.get(), failed.get(), seconds, after[0] - before[0],
        after[1] - before[1], peakRssBytes(), gcNanos.get() / 1e9, longestGcMs.get(), percentiles());
    System.exit(0);
  }
}
