// What Kafka's own classes make of bytes. Each input line is a question, each output line its answer; bytes are in base64.
//   murmur2 KEY              the hash, as a number
//   partition COUNT KEY      where Kafka's producer puts a record of that key
//   compress CODEC BYTES     as Kafka's producer compresses them
//   decompress CODEC BYTES   as its broker reads them; `refused` with the reason if it does not

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.Utils;

public class KafkaAnswers {
  private static final byte RECORD_BATCH = 2;

  public static void main(String[] args) throws Exception {
    var questions = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = questions.readLine()) != null; ) System.out.println(answer(line.split(" ", -1)));
  }

  private static String answer(String[] words) throws Exception {
    byte[] bytes = Base64.getDecoder().decode(words[words.length - 1]);
    switch (words[0]) {
      case "murmur2":
        return Integer.toString(Utils.murmur2(bytes));
      case "partition":
        return Integer.toString(BuiltInPartitioner.partitionForKey(bytes, Integer.parseInt(words[1])));
      case "compress":
        var buffer = new ByteBufferOutputStream(1024);
        try (var stream = codec(words[1]).wrapForOutput(buffer, RECORD_BATCH)) {
          stream.write(bytes);
        }
        return text(Arrays.copyOf(buffer.buffer().array(), buffer.position()));
      default:
        try (var stream = codec(words[1]).wrapForInput(ByteBuffer.wrap(bytes), RECORD_BATCH, BufferSupplier.create())) {
          return text(stream.readAllBytes());
        } catch (Exception refusal) {
          return "refused: " + refusal.getMessage();
        }
    }
  }

  private static Compression codec(String name) {
    return Compression.of(CompressionType.forName(name)).build();
  }

  private static String text(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
