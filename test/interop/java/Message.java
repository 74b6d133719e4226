import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Collection;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/** Verifies and makes detached SignedData with Bouncy Castle: verify CONTENT CERT DOCUMENT | sign CONTENT CERT OUT KEY ALGORITHM. */
public class Message {
  public static void main(String[] words) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    byte[] content = Files.readAllBytes(Path.of(words[1]));
    byte[] certificateDer = Files.readAllBytes(Path.of(words[2]));
    X509Certificate certificate =
        (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(certificateDer));
    Path document = Path.of(words[3]);
    if (words[0].equals("sign")) Files.write(document, sign(content, certificate, words[4], words[5]));
    else System.exit(verify(content, certificate, Files.readAllBytes(document)) ? 0 : 1);
  }

  private static boolean verify(byte[] content, X509Certificate certificate, byte[] der) throws Exception {
    CMSSignedData signed = new CMSSignedData(new CMSProcessableByteArray(content), der);
    Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
    if (signers.size() != 1) return false;
    SignerInformation signer = signers.iterator().next();
    try {
      return signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate));
    } catch (org.bouncycastle.cms.CMSException refused) {
      return false;
    }
  }

  private static byte[] sign(byte[] content, X509Certificate certificate, String keyFile, String algorithm) throws Exception {
    byte[] pkcs8 = Files.readAllBytes(Path.of(keyFile));
    String kind = algorithm.endsWith("ECDSA") ? "EC" : "RSA";
    PrivateKey key = KeyFactory.getInstance(kind, "BC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
    generator.addSignerInfoGenerator(
        new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
            .build(new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key), certificate));
    return generator.generate(new CMSProcessableByteArray(content), false).getEncoded();
  }
}
