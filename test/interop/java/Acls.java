import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.tools.AclCommand;

/** What kafka-acls.sh does, for each line of a file: BOOTSTRAP CONFIG FILE. */
public class Acls {
  public static void main(String[] words) throws Exception {
    for (String line : Files.readAllLines(Path.of(words[2]))) {
      List<String> call = new ArrayList<>(List.of("--bootstrap-server", words[0], "--command-config", words[1]));
      call.addAll(Arrays.asList(line.split(" ")));
      AclCommand.main(call.toArray(new String[0]));
    }
    System.out.println("done");
    System.exit(0);
  }
}
