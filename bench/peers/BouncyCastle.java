import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Bouncy Castle as a peer: CMSSignedData over the files of a folder, as often as standard input asks. TASK FOLDER, TASK one
 * of verify, verify-chain, sign.
 *
 * Says "ready", or "cannot: " and why. Then each line of input is a number of operations, answered by their nanoseconds,
 * after half as many that are not measured.
 */
public class BouncyCastle {
  private interface Operation {
    void run(int index) throws Exception;
  }

  public static void main(String[] words) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    Operation operation;
    try {
      operation = words[0].equals("sign") ? signing(Path.of(words[1])) : verifying(words[0], Path.of(words[1]));
      operation.run(0);
    } catch (Exception refused) {
      System.out.println("cannot: " + refused);
      return;
    }
    System.out.println("ready Bouncy Castle " + Security.getProvider("BC").getVersionStr() + ", Java " + System.getProperty("java.version"));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    int next = 0;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      int count = Integer.parseInt(line);
      for (int index = 0; index < (count + 1) / 2; index++) operation.run(next++);
      long start = System.nanoTime();
      for (int index = 0; index < count; index++) operation.run(next++);
      System.out.println(System.nanoTime() - start);
    }
  }

  private static Operation verifying(String task, Path folder) throws Exception {
    byte[] content = Files.readAllBytes(folder.resolve("content.bin"));
    List<byte[]> messages = pieces(Files.readAllBytes(folder.resolve("messages.bin")));
    X509Certificate signer = certificate(folder, "signer.der");
    SignerInformationVerifier verifier = new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(signer);
    CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(List.of(signer, certificate(folder, "issuing.der")));
    PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate(folder, "root.der"), null)));
    parameters.setRevocationEnabled(false);
    CertPathValidator validator = CertPathValidator.getInstance("PKIX", "BC");
    return index -> {
      if (task.equals("verify-chain")) validator.validate(path, parameters);
      byte[] der = messages.get(index % messages.size());
      CMSSignedData signed = new CMSSignedData(new CMSProcessableByteArray(content), der);
      SignerInformation information = signed.getSignerInfos().getSigners().iterator().next();
      if (!information.verify(verifier)) throw new IllegalStateException("wrong signature");
    };
  }

  private static Operation signing(Path folder) throws Exception {
    byte[] content = Files.readAllBytes(folder.resolve("content.bin"));
    X509Certificate certificate = certificate(folder, "signer.der");
    String kind = certificate.getPublicKey().getAlgorithm();
    byte[] pkcs8 = Files.readAllBytes(folder.resolve("signer-key.der"));
    PrivateKey key = KeyFactory.getInstance(kind, "BC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    String algorithm = kind.equals("EC") ? "SHA256withECDSA" : kind.equals("RSA") ? "SHA256withRSA" : "Ed25519";
    byte[] keyIdentifier =
        SubjectKeyIdentifier.fromExtensions(new JcaX509CertificateHolder(certificate).getExtensions()).getKeyIdentifier();
    JcaSignerInfoGeneratorBuilder builder =
        new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
    SignerInfoGenerator signer =
        builder.build(new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key), keyIdentifier);
    return index -> {
      CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
      generator.addSignerInfoGenerator(signer);
      generator.generate(new CMSProcessableByteArray(content), false).getEncoded();
    };
  }

  private static X509Certificate certificate(Path folder, String name) throws Exception {
    byte[] der = Files.readAllBytes(folder.resolve(name));
    return (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(new ByteArrayInputStream(der));
  }

  /** Each with its length before it, in four octets. */
  private static List<byte[]> pieces(byte[] all) {
    ByteBuffer octets = ByteBuffer.wrap(all);
    List<byte[]> found = new ArrayList<>();
    while (octets.remaining() > 4) {
      byte[] piece = new byte[octets.getInt()];
      octets.get(piece);
      found.add(piece);
    }
    return found;
  }
}
