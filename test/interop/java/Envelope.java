import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientId;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

/** Decrypts and makes AuthEnvelopedData with Bouncy Castle: decrypt | encrypt, files in DER. */
public class Envelope {
  public static void main(String[] words) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    byte[] input = Files.readAllBytes(Path.of(words[1]));
    X509CertificateHolder certificate = new X509CertificateHolder(Files.readAllBytes(Path.of(words[2])));
    String kind = words[3];
    Path out = Path.of(words[4]);
    Files.write(out, words[0].equals("decrypt") ? decrypt(input, certificate, kind, words[5]) : encrypt(input, certificate, kind));
  }

  private static byte[] decrypt(byte[] der, X509CertificateHolder certificate, String kind, String keyFile) throws Exception {
    byte[] pkcs8 = Files.readAllBytes(Path.of(keyFile));
    PrivateKey key = KeyFactory.getInstance(kind, "BC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    Recipient recipient =
        kind.equals("RSA")
            ? new JceKeyTransEnvelopedRecipient(key).setProvider("BC")
            : new JceKeyAgreeEnvelopedRecipient(key).setProvider("BC");
    for (RecipientInformation information : new CMSAuthEnvelopedData(der).getRecipientInfos().getRecipients()) {
      RecipientId id = information.getRID();
      if (id.match(certificate)) return information.getContent(recipient);
    }
    throw new IllegalStateException("no recipient");
  }

  private static byte[] encrypt(byte[] content, X509CertificateHolder holder, String kind) throws Exception {
    X509Certificate certificate = new JcaX509CertificateConverter().setProvider("BC").getCertificate(holder);
    CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
    if (kind.equals("RSA")) {
      AlgorithmIdentifier oaep =
          new JcaAlgorithmParametersConverter()
              .getAlgorithmIdentifier(
                  org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers.id_RSAES_OAEP,
                  new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
      generator.addRecipientInfoGenerator(new JceKeyTransRecipientInfoGenerator(certificate, oaep).setProvider("BC"));
    } else {
      java.security.KeyPairGenerator pairs = java.security.KeyPairGenerator.getInstance("EC", "BC");
      pairs.initialize(((java.security.interfaces.ECKey) certificate.getPublicKey()).getParams());
      java.security.KeyPair pair = pairs.generateKeyPair();
      generator.addRecipientInfoGenerator(
          new JceKeyAgreeRecipientInfoGenerator(
                  CMSAlgorithm.ECDH_SHA256KDF, pair.getPrivate(), pair.getPublic(), CMSAlgorithm.AES256_WRAP)
              .addRecipient(certificate)
              .setProvider("BC"));
    }
    OutputAEADEncryptor encryptor =
        (OutputAEADEncryptor) new JceCMSContentEncryptorBuilder(CMSAlgorithm.AES256_GCM).setProvider("BC").build();
    return generator.generate(new CMSProcessableByteArray(CMSObjectIdentifiers.data, content), encryptor).getEncoded();
  }
}
