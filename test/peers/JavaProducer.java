// Apache's own producer with its settings as they come; test/chaos/subject.ts says what is written.

import java.util.Properties;
import java.util.Scanner;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class JavaProducer {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("key.serializer", StringSerializer.class);
    properties.put("value.serializer", StringSerializer.class);
    long count = Long.parseLong(args[2]);
    double perSecond = Double.parseDouble(args[3]);
    AtomicBoolean enough = new AtomicBoolean();
    Thread listener = new Thread(() -> {
      new Scanner(System.in).nextLine();
      enough.set(true);
    });
    listener.setDaemon(true);
    listener.start();
    long index = 0;
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
      long start = System.nanoTime();
      while (index < count || !enough.get()) {
        double due = (System.nanoTime() - start) / 1e9 * perSecond;
        for (; index < due; index++) {
          long i = index;
          String digits = Long.toString(i);
          String value = digits + ".".repeat(100 - digits.length());
          producer.send(new ProducerRecord<>(args[1], "key-" + i % 97, value), (metadata, error) -> {
            long now = System.currentTimeMillis();
            System.out.println(error == null ? "a " + i + " " + now : "f " + i + " " + now + " " + error.getMessage());
          });
        }
        Thread.sleep(10);
      }
    }
    System.out.println("s " + index);
    System.out.flush();
    System.exit(0);
  }
}
